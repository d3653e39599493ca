"""Sealing and opening in Chromium: ours against plain age-encryption, in one run, over loopback.

Every way is timed in a worker of its own from the first byte asked for to the last one there; rounds go through all
ways in turn, so that a busy machine slows all of them. Printed: the median in MB/s, and the ratio to age-encryption.

    uv run bench/browser.py [--megabytes 256] [--rounds 5]
"""

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from zegel import seal
from zegel.parcels.pieces import PieceDigest

FRONTEND = Path(__file__).resolve().parents[1] / "frontend"
WANTED = {"open: ours": 250, "open: ours, digested": 250, "seal: ours": 400}
PEERS = {"open": "open: age-encryption", "seal": "seal: age-encryption"}


def serve(folder: Path) -> ThreadingHTTPServer:
    """A server that costs as little as one can: sendfile, from the page cache."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = folder / self.path.lstrip("/")
            if not path.is_file():
                return self.send_error(404)
            types = {".js": "text/javascript", ".html": "text/html"}
            self.send_response(200)
            self.send_header("Content-Type", types.get(path.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            with path.open("rb") as file:
                at, size = 0, path.stat().st_size
                while at < size:
                    at += os.sendfile(self.connection.fileno(), file.fileno(), at, size - at)
            return None

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


RUN = """job => new Promise((resolve, reject) => {
  const worker = new Worker('/worker.js', { type: 'module' });
  worker.onerror = event => reject(new Error(event.message));
  worker.onmessage = ({ data }) => {
    if (data.ready) { if (job.way) worker.postMessage(job); else resolve(data.ready); return }
    worker.terminate();
    if (data.error) reject(new Error(job.way + ': ' + data.error)); else resolve(data.seconds);
  };
})"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    if not shutil.which("node") or not (FRONTEND / "node_modules/esbuild").exists():
        sys.exit("skipped: needs node and `npm ci --ignore-scripts` in frontend/")
    from playwright.sync_api import sync_playwright

    size = wanted.megabytes * 2**20
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        subprocess.run(["node", "bench/build.mjs", folder], cwd=FRONTEND, check=True)
        identity, plain = seal.HybridIdentity.generate(), bytes(range(256)) * (size // 256)
        (folder / "file.age").write_bytes(seal.seal(plain, identity.recipient))
        (folder / "index.html").write_text("<!doctype html><title>bench</title>")
        server = serve(folder)
        base = f"http://127.0.0.1:{server.server_port}"
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page()
        page.set_default_timeout(0)
        page.goto(f"{base}/index.html")
        facts = {"url": f"{base}/file.age", "identity": str(identity), "size": size}
        facts["sha256"] = hashlib.sha256(plain).hexdigest()
        pieces = PieceDigest()
        pieces.update(plain)
        facts["pieces"] = pieces.hexdigest()
        del plain
        ways = page.evaluate(RUN, {})
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(wanted.rounds):
            for way in ways:
                rates[way].append(size / 1e6 / page.evaluate(RUN, {**facts, "way": way}))
        report(rates, browser.version, size)
        browser.close()
        server.shutdown()


def report(rates: dict[str, list[float]], version: str, size: int) -> None:
    load = os.getloadavg()[0]
    print(f"Chromium {version}, {os.cpu_count()} cores, load {load:.1f}, {size / 1e6:.0f} MB, median of each (best)")
    medians = {way: statistics.median(found) for way, found in rates.items()}
    for way, median in medians.items():
        peer = PEERS.get(way.partition(":")[0], "")
        if "digested" in way and f"{peer}, digested" in medians:
            peer = f"{peer}, digested"
        ratio = f"{median / medians[peer]:5.1f}x {peer.partition(': ')[2]}" if peer else ""
        goal = f"  (goal {WANTED[way]} MB/s)" if way in WANTED else ""
        print(f"  {way:32} {median:7.0f} MB/s  (best {max(rates[way]):5.0f}) {ratio}{goal}")


if __name__ == "__main__":
    main()
