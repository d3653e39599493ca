"""A program that we did not write opens an export: age-encryption in node, told only what docs/format.md tells."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ground import databases
from tests.ground.house import READER, make_house

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
SCRIPT = (Path(__file__).parent / "open-export.mjs").read_text()

pytestmark = [pytest.mark.node, pytest.mark.slow]


def test_an_export_opens_without_us(tmp_path: Path, sqlite: databases.Database) -> None:
    node = shutil.which("node")
    if not node or not (FRONTEND / "node_modules" / "age-encryption").is_dir():
        if os.environ.get("CI"):
            pytest.fail("CI needs node and the packages of frontend/")
        pytest.skip("node or frontend/node_modules is missing")
    ground = make_house(tmp_path)
    data = os.urandom(200_000)
    link = ground.send_and_link(
        subject="Beschikking é", text="Geachte …", attachments=[("a.bin", "", data), ("b", "", b"")]
    )
    parcel = ground.house.follow.parcels(ground.actor)[0].parcel
    folder = tmp_path / "export"
    for name, pieces in ground.house.export.files(parcel, READER):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"".join(pieces))
    done = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT, "--", str(folder)],
        input=str(link),
        cwd=FRONTEND,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "subject": "Beschikking é",
        "text": "Geachte …",
        "attachments": [
            {"name": "a.bin", "size": 200_000, "sha256": hashlib.sha256(data).hexdigest(), "whole": True},
            {"name": "b", "size": 0, "sha256": hashlib.sha256(b"").hexdigest(), "whole": True},
        ],
    }
