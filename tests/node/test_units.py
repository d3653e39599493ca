"""The browser's code in node: claim, slip, manifest, signature, and the CCTV test kit through its payload."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"


@pytest.mark.node
@pytest.mark.slow
def test_units() -> None:
    npm = shutil.which("npm")
    if npm is None or not (FRONTEND / "node_modules" / "esbuild").exists():
        if os.environ.get("CI"):
            pytest.fail("CI needs node and `npm ci --ignore-scripts` in frontend/")
        pytest.skip("node or frontend/node_modules is missing")
    command = [npm, "run", "--silent", "test"]
    run = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
