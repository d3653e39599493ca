"""Run the fuzz targets: a fixed number of inputs each (CI), or a time (by hand).

    python -m fuzz.run                       all targets, 20,000 inputs each, starting from the saved corpus
    python -m fuzz.run --seconds 600 seal_header
    python -m fuzz.run --replay              only the saved corpus, without atheris

New inputs that reach new code are kept in ``fuzz/corpus/<target>`` when ``--keep`` is given; a crash leaves its
input in ``fuzz/found`` and makes the run fail.
"""

import argparse
import importlib
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

import fuzz.targets

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
FOUND = HERE / "found"
RUNS = 20_000
_INSTRUMENTED = ["zegel.seal", "zegel.parcels", "zegel.audit", "zegel.mime", "zegel.doors.smtp", "fuzz.targets"]


def all_targets() -> list[str]:
    """Give the names of the modules in ``targets``."""
    return sorted(module.name for module in pkgutil.iter_modules(fuzz.targets.__path__))


def replay(name: str) -> int:
    """Run a target over its saved corpus; give the number of inputs."""
    one = importlib.import_module(f"fuzz.targets.{name}").one
    saved = sorted((CORPUS / name).glob("*"))
    for path in (*saved, Path("/dev/null")):
        one(path.read_bytes())
    return len(saved)


def fuzz_here(name: str, options: list[str]) -> None:
    """Become the fuzzer of one target; never returns (libFuzzer ends the process)."""
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED):
        one = importlib.import_module(f"fuzz.targets.{name}").one
    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


def start(name: str, limit: str, *, keep: bool) -> int:
    """Fuzz one target in a process of its own."""
    FOUND.mkdir(exist_ok=True)
    saved = CORPUS / name
    saved.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folders = [str(saved)] if keep else [scratch, str(saved)]
        options = [limit, "-max_len=4096", "-timeout=20", f"-artifact_prefix={FOUND}/{name}-", "-verbosity=0"]
        options += ["-print_final_stats=1", *folders]
        return subprocess.run(
            [sys.executable, "-m", "fuzz.run", "--here", name, *options], check=False, cwd=HERE.parent
        ).returncode


def main() -> int:
    """Run what the command line asks for."""
    if sys.argv[1:2] == ["--here"]:
        fuzz_here(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description="Run the fuzz targets.")
    parser.add_argument("targets", nargs="*", default=all_targets())
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    failed = []
    for name in asked.targets:
        if asked.replay:
            print(f"{name}: {replay(name)} saved inputs hold")
            continue
        limit = f"-max_total_time={asked.seconds}" if asked.seconds else f"-runs={asked.runs}"
        if start(name, limit, keep=asked.keep):
            failed.append(name)
    print("fuzz:", f"FAILED {', '.join(failed)}" if failed else f"{len(asked.targets)} targets hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
