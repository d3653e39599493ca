"""``zegel policy explain``: a dry run on an .eml, with the reader and the rules of the SMTP door."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Zegel
from tests.policy.mails import CLOSED, outlook

RULES = """
[[policy.rule]]
name = "zaaksysteem"
to = ["zaken@voorbeeld.example"]
action = "refuse"
sentence = "Stuur dit vanuit het zaaksysteem."

[[policy.rule]]
name = "nieuwsbrief"
to = ["*.nieuws.example"]
smaller_than = 1000000
action = "pass"

[[policy.rule]]
name = "te laat"
to = ["*.nieuws.example"]
smaller_than = 1000000
listener = ["relay"]
action = "pass"

[[policy.rule]]
name = "verder"
action = "seal"
proof = "mail"

[policy.labels]
"Team Rood" = 3
"""


@pytest.mark.slow
def test_a_mail_is_explained_and_nothing_is_sent(tmp_path: Path) -> None:
    zegel = Zegel(tmp_path / "zegel", 0)
    made = zegel.run(
        "init", "--organisation", "Gemeente Voorbeeld", "--url", "http://127.0.0.1:8025", "--mail-from",
        "post@voorbeeld.example",
    )  # fmt: skip
    assert made.code == 0, made.err
    config = zegel.data / "zegel.toml"
    config.write_text(config.read_text() + RULES)
    mail = tmp_path / "mail.eml"
    mail.write_bytes(outlook(CLOSED, "Team Rood"))

    sealed = zegel.run("policy", "explain", str(mail), "--to", "a@example.net", "--to", "b@a.nieuws.example")
    assert sealed.code == 0, sealed.err
    assert "a@example.net: sealed, class 3, proof mail, way link (rule verder)" in sealed.out
    assert "class 3 is above 1, the highest that this rule lets pass" in sealed.out
    assert "rule “te laat” never decides" in sealed.err

    mail.write_bytes(outlook(CLOSED, "Openbaar").replace(b"\r\n", b"\n"))
    told = zegel.run("policy", "explain", str(mail), "--to", "b@a.nieuws.example", "--json", "--listener", "relay")
    found = json.loads(told.out)
    assert (told.code, found["refused"]) == (0, None)
    assert found["recipients"][0]["decision"] == "pass"
    assert found["recipients"][0]["way"] == "link"
    shown = zegel.run("policy", "explain", str(mail), "--to", "b@a.nieuws.example")
    assert "b@a.nieuws.example: may pass, but is sealed: [mail] names no server" in shown.out
    size = len(outlook(CLOSED, "Openbaar"))
    assert f"{size} bytes, asked for less than 1000000" in told.out

    refused = zegel.run("policy", "explain", "-", "--to", "zaken@voorbeeld.example", stdin=mail.read_text())
    assert refused.code == 1
    assert "zaken@voorbeeld.example: refused (rule zaaksysteem)" in refused.out
    assert "does not let this mail go to zaken@voorbeeld.example: Stuur dit vanuit het zaaksysteem." in refused.out

    mail.write_bytes(outlook(CLOSED, "Openbaar", subject="[Stg. GEHEIM] x"))
    secret = zegel.run("policy", "explain", str(mail))
    assert (secret.code, "(rule state-secret)" in secret.out) == (1, True)
    assert not list((zegel.data / "store").glob("**/*.age"))
