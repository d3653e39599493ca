"""Memory while a large attachment goes through: ``python bench/memory.py [--mib 2048]``.

A whole Zegel (``zegel serve``) takes one attachment through ``zegel send`` (sealed on the sender's side, uploaded in
parts) and through the inside submission API (plaintext in, sealed while it arrives), and gives one back through ``zegel
collect``. Printed per process: resident memory when idle, and how far the peak rose above it (the kernel's VmHWM, set
back before each transfer). The design wants less than 100 MiB above idle per transfer.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.cli.conftest import COMMAND, Zegel, make_zegel

MIB = 1024 * 1024


def processes(zegel: Zegel) -> dict[int, str]:
    """Every process of this Zegel: its identifier and role."""
    assert zegel.process is not None
    found, waiting = {}, [zegel.process.pid]
    listed = subprocess.run(["ps", "-wweo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [(int(line.split()[0]), int(line.split()[1]), line) for line in listed.splitlines()]
    while waiting:
        parent = waiting.pop()
        for pid, above, line in rows:
            if above == parent:
                role = line.rsplit(maxsplit=1)[1] if "--role" in line else found.get(above, "") + " worker"
                found[pid] = role
                waiting.append(pid)
    return found


def memory(pid: int, field: str) -> float:
    """MiB of one line of /proc/PID/status."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def measured(zegel: Zegel, name: str, mib: int, command: list[str], env: dict[str, str]) -> str:
    """Run a client and print its own peak and the rise of every server process; returns what the client printed."""
    running = processes(zegel)
    for pid in running:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    idle = {pid: memory(pid, "VmRSS") for pid in running}
    begin = time.perf_counter()
    client = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **env}, text=True)
    out = client.communicate()[0]
    seconds = time.perf_counter() - begin
    assert client.returncode == 0, f"{name} failed"
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{name}: {mib} MiB in {seconds:.1f} s ({mib / seconds:.0f} MiB/s); largest client so far {peak:.0f} MiB")
    for pid, role in running.items():
        rise = memory(pid, "VmHWM") - idle[pid]
        if rise > 1:
            print(f"    {role:16} idle {idle[pid]:5.0f} MiB, peak +{rise:.0f} MiB")
    return out


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mib", type=int, default=2048)
    mib = asked.parse_args().mib
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = Path(name)
        big = folder / "groot.bin"
        block = os.urandom(MIB)
        with big.open("wb") as file:
            for _ in range(mib):
                file.write(block)
        zegel = make_zegel(folder)
        zegel.start()
        try:
            remote = {"ZEGEL_SERVER": zegel.url, "ZEGEL_TOKEN": zegel.token}
            common = ["--subject", "x", "--to", "a@example.net", "--proof", "mail", "--attach", str(big)]
            measured(zegel, "zegel send to a server", mib, [*COMMAND, "send", *common], remote)
            facts = {"subject": "x", "text": "y", "readers": [{"address": "b@example.net", "proof": "mail"}]}
            header = folder / "header"
            header.write_text(f"Authorization: Bearer {zegel.token}\n")
            url = f"http://127.0.0.1:{zegel.port + 1}/inside/v1/parcels"
            form = ["-F", f"parcel={json.dumps(facts)};type=application/json", "-F", f"file=@{big}"]
            measured(zegel, "submission API", mib, ["curl", "-sSf", "-H", f"@{header}", *form, url], {})
            collect = [*COMMAND, "collect", zegel.link(0), "-o", str(folder / "got")]
            measured(zegel, "zegel collect", mib, collect, {})
            assert (folder / "got" / "groot.bin").stat().st_size == mib * MIB
        finally:
            zegel.stop()


if __name__ == "__main__":
    main()
