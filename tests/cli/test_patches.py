"""``zegel patches``, ``placement``, ``suppliers`` and ``plan-b`` from the terminal: an officer's year."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import SENDER, Zegel

SUPPLIERS = """
[[supplier]]
name = "voorbeeld-cloud"
legal_name = "Voorbeeld Cloud B.V."
seat = "NL"
hosting = ["NL"]
assurance = 3
egress_eur_per_gb = 0.01
[[supplier.owner]]
name = "Voorbeeld Holding N.V."
country = "NL"
ultimate = true
"""
PATCHES = """
[[patch]]
name = "local"
folder = "store"

[[patch]]
name = "far"
folder = "far"
supplier = "voorbeeld-cloud"

[[spread]]
classes = [0, 1, 2, 3]
copies = 2
"""
SHARES = """
[[patch]]
name = "cellar"
folder = "cellar"

[[spread]]
classes = [3]
shares = {needed = 2, of = 3}
"""


@pytest.mark.slow
def test_an_officer_brings_in_a_supplier_practises_and_leaves(tmp_path: Path) -> None:
    zegel = Zegel(tmp_path / "zegel", 0)
    made = zegel.run(
        "init", "--organisation", "Gemeente Voorbeeld", "--url", "http://127.0.0.1:8025", "--mail-from",
        "post@voorbeeld.example",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert zegel.run("user", "add", SENDER, "--no-password").code == 0
    config = zegel.data / "zegel.toml"
    before = zegel.run(
        "send", "--from", SENDER, "--to", "a@example.net", "--subject", "Eerst", "--body", "Hallo", "--proof", "mail"
    )
    assert before.code == 0, before.err
    head, tables = config.read_text().split("\n[organisation]", 1)
    config.write_text(f"{head}\n[organisation]{tables}{PATCHES}")

    refused = zegel.run("placement", "explain", "--class", "2")
    assert "far (unknown supplier): unknown-supplier (it is not in the register)" in refused.out
    assert zegel.run("suppliers", "import", "-", stdin=SUPPLIERS).out == "voorbeeld-cloud\n"
    explained = zegel.run("placement", "explain", "--class", "4")
    assert explained.out.startswith("class 4: local\n"), explained.out
    assert "own-or-government-only" in explained.out
    assert zegel.run("placement", "explain", "--class", "5").code == 1

    after = zegel.run(
        "send", "--from", SENDER, "--to", "a@example.net", "--subject", "Dan", "--body", "Hallo", "--proof", "mail"
    )
    assert after.code == 0, after.err
    shown = {one["patch"]: one for one in json.loads(zegel.run("patches", "--json").out)}
    assert (shown["local"]["objects"], shown["far"]["objects"]) == (2, 1)
    asked = zegel.run("plan-b", "what-if", "voorbeeld-cloud").out
    assert "class 2: 0 unreadable, 1 with too few copies, 1 as they are" in asked, asked

    drilled = zegel.run("plan-b", "drill", "far", "--report", str(tmp_path / "drill.json"))
    assert drilled.code == 0, drilled.err
    assert json.loads((tmp_path / "drill.json").read_text())["blobs"] == 1
    assert set(json.loads((tmp_path / "drill.json.signature").read_text())) == {"key", "ed25519", "mldsa65"}
    assert zegel.run("plan-b", "verify", str(tmp_path / "drill.json")).out.startswith(
        "drill report v1 of far, signed by "
    )
    (tmp_path / "drill.json.signature").rename(tmp_path / "forged.json.signature")
    (tmp_path / "forged.json").write_text((tmp_path / "drill.json").read_text() + " ")
    assert "not right" in zegel.run("plan-b", "verify", str(tmp_path / "forged.json")).err
    left = zegel.run("plan-b", "evacuate", "local", "--report", str(tmp_path / "left.json"))
    assert left.code == 0, left.err
    assert "it shows nothing any more" in left.out
    assert json.loads((tmp_path / "left.json").read_text())["empty"] is True
    exported = zegel.run("export", "--all", str(tmp_path / "export"))
    said, fingerprint = exported.out.splitlines()
    assert said == "2 parcels and 2 blobs written; 0 were there already", exported.err
    fresh = Zegel(tmp_path / "fresh", 0)
    fresh.run("init", "--organisation", "Gemeente Voorbeeld", "--url", "http://127.0.0.1:8025", "--mail-from", SENDER)
    other = fresh.run("import", str(tmp_path / "export"), "--fingerprint", "0" * 64)
    assert other.code != 0
    imported = fresh.run("import", str(tmp_path / "export"), "--fingerprint", fingerprint.removeprefix("fingerprint "))
    assert imported.out.splitlines() == [said, fingerprint]
    assert fresh.run("audit", "verify").out == zegel.run("audit", "verify").out
    split = zegel.run("export", "--all", str(tmp_path / "media"), "--split", "64KiB", "--with-accounts")
    assert "1 accounts\n" in split.out, split.err
    volumes = sorted(map(str, (tmp_path / "media").iterdir()), reverse=True)
    other = Zegel(tmp_path / "other", 0)
    other.run("init", "--organisation", "Gemeente Voorbeeld", "--url", "http://127.0.0.1:8025", "--mail-from", SENDER)
    assert "1 accounts\n" in other.run("import", *volumes, "--with-accounts").out
    assert SENDER in other.run("user", "list").out
    assert zegel.run("export", "--all", str(tmp_path / "x"), "--split", "none").code == 1
    cut = zegel.run("plan-b", "cut", "voorbeeld-cloud", "--reason", "sold")
    assert cut.code == 5, cut.out
    assert zegel.run("plan-b", "reopen", "far").code == 0
    assert zegel.run("audit", "verify").code == 0
    config.write_text(config.read_text().replace("classes = [0, 1, 2, 3]", "classes = [0, 1, 2]") + SHARES)
    refused = zegel.run("placement", "explain", "--class", "3")
    assert "refused: too-few-places (2 of 3 that are needed at least)" in refused.out
    zegel.run("plan-b", "reopen", "local")
    dealt = zegel.run("placement", "explain", "--class", "3").out
    assert dealt.startswith("class 3: 3 shares, any 2 of which make it: "), dealt
    assert "far (voorbeeld-cloud): may have it" in dealt
