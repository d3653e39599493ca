"""How fast sealing is, next to the programs people would use instead: ``python -m bench.seal``.

Everything is measured in turns inside one run (we, they, we, they …) and printed as medians with their ratio, for file
output on a shared machine varies by a factor of ten from minute to minute and only pairs can be compared. Needs the
programs ``age`` and ``openssl``; pyrage (the ``bench`` group) and node are compared with if they are there.

Nothing here passes or fails: what the numbers should reach is in ``docs/explanation/seal-speed.md``.
"""

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from zegel.seal import HybridIdentity, X25519Identity, open_, open_fd, seal, seal_fd
from zegel.seal.files import available_cores

ROOT = Path(__file__).parent.parent
ZEGEL = [sys.executable, "-m", "zegel"]
# Whoever uses a program has its compiled form on disk; an environment that forbids Python to write it would have us
# measure the compiler.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
NEWER_AGE = ROOT / ".tools/age/usr/bin/age"
Work = Callable[[], object]


def timed(work: Work) -> float:
    """Give the seconds that *work* takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_time() -> float:
    """Give the seconds of processor time that this process and its ended children have used."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Times:
    """What one work took, round by round: seconds on the clock, and of processors."""

    def __init__(self) -> None:
        self.clock: list[float] = []
        self.processors: list[float] = []

    def add(self, work: Work) -> None:
        """Do the work once."""
        before = processor_time()
        self.clock.append(timed(work))
        self.processors.append(processor_time() - before)

    @property
    def middle(self) -> float:
        """The median on the clock."""
        return statistics.median(self.clock)


def in_turns(works: dict[str, Work], rounds: int, out: Path | None = None) -> dict[str, Times]:
    """Time each work *rounds* times, one after the other, in an order that turns with the rounds.

    *out* is removed before each: otherwise whoever overwrites in place gets warm pages, and whoever writes a new file
    and renames it (we) pays for new ones, which on a virtual machine can cost more than all the rest.
    """
    names = list(works)
    times = {name: Times() for name in names}
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if out is not None:
                out.unlink(missing_ok=True)
            times[name].add(works[name])
    return times


def report(title: str, times: dict[str, Times], size: int, base: str) -> None:
    """Print medians, ranges, throughput, and the ratio to *base*: of medians, round by round, of processor time."""
    print(f"\n{title}")
    for name, values in times.items():
        pairs = statistics.median(a / b for a, b in zip(times[base].clock, values.clock, strict=True))
        work = statistics.median(values.processors)
        print(
            f"  {name:<20}{values.middle:7.3f} s ({min(values.clock):.3f}-{max(values.clock):.3f})"
            f"{size / values.middle / 1e9:6.2f} GB/s"
            f" {times[base].middle / values.middle:5.2f}x {base} (paired {pairs:.2f}x),"
            f" processors {work:.3f} s ({statistics.median(times[base].processors) / work:.2f}x)"
        )


def run(command: Sequence[str | Path], source: Path | None = None, target: Path | None = None) -> Work:
    """Give a work that runs a command, with standard input and output from and to files."""

    def work() -> None:
        with open(source or os.devnull, "rb") as stdin, open(target or os.devnull, "wb") as stdout:
            subprocess.run(command, check=True, stdin=stdin, stdout=stdout, cwd=ROOT)

    return work


def piped(command: Sequence[str | Path], source: Path) -> Work:
    """Give a work that runs a command between two pipes, as in ``cat file | command | cat > /dev/null``."""

    def work() -> None:
        with (
            subprocess.Popen(["cat", source], stdout=subprocess.PIPE) as feeder,
            subprocess.Popen(command, stdin=feeder.stdout, stdout=subprocess.PIPE, cwd=ROOT) as worker,
            subprocess.Popen(["cat"], stdin=worker.stdout, stdout=subprocess.DEVNULL) as drain,
        ):
            for side in (feeder, worker):
                if side.stdout is not None:
                    side.stdout.close()
            if worker.wait() or drain.wait():
                raise RuntimeError("a command in the pipe failed")

    return work


def ages() -> dict[str, Path]:
    """Give the stock programs, by version."""
    found = {}
    for path in (Path(shutil.which("age") or ""), NEWER_AGE):
        if path.is_file():
            version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.strip()
            found[f"age {version.lstrip('v')}"] = path
    return found


def whole_processes(folder: Path, size: int, rounds: int) -> None:
    """File to file and through pipes, process start included."""
    identity, hybrid = X25519Identity.generate(), HybridIdentity.generate()
    (folder / "key").write_text(str(identity))
    (folder / "hybrid").write_text(f"{hybrid}\n")
    (folder / "hybrid.pub").write_text(f"{hybrid.recipient}\n")
    plain, sealed, out = folder / "plain", folder / "sealed", folder / "out"
    to = ["-r", str(identity.recipient)]
    with plain.open("rb") as source, sealed.open("wb") as target:
        seal_fd(source.fileno(), target.fileno(), [identity.recipient])
    with plain.open("rb") as source, (folder / "sealed.pq").open("wb") as target:
        seal_fd(source.fileno(), target.fileno(), [hybrid.recipient])
    base = next(iter(ages()))
    one_core = ["taskset", "-c", "0"]
    sealing: dict[str, Work] = {name: run([age, *to, "-o", out, plain]) for name, age in ages().items()}
    sealing["zegel"] = run([*ZEGEL, "seal", *to, "-o", out, plain])
    sealing["zegel hybrid"] = run([*ZEGEL, "seal", "-R", folder / "hybrid.pub", "-o", out, plain])
    opening: dict[str, Work] = {
        name: run([age, "-d", "-i", folder / "key", "-o", out, sealed]) for name, age in ages().items()
    }
    opening["zegel"] = run([*ZEGEL, "open", "-i", folder / "key", "-o", out, sealed])
    opening["zegel hybrid"] = run([*ZEGEL, "open", "-i", folder / "hybrid", "-o", out, folder / "sealed.pq"])
    report(f"sealing, file to file, whole process, {size >> 20} MiB", in_turns(sealing, rounds, out), size, base)
    report("opening, file to file, whole process", in_turns(opening, rounds, out), size, base)
    age = ages()[base]
    single: dict[str, Work] = {
        base: run([*one_core, age, *to, "-o", out, plain]),
        "zegel": run([*one_core, *ZEGEL, "seal", *to, "-o", out, plain]),
    }
    report("sealing, file to file, everyone on one core", in_turns(single, rounds, out), size, base)
    single = {
        base: run([*one_core, age, "-d", "-i", folder / "key", "-o", out, sealed]),
        "zegel": run([*one_core, *ZEGEL, "open", "-i", folder / "key", "-o", out, sealed]),
    }
    report("opening, file to file, everyone on one core", in_turns(single, rounds, out), size, base)
    pipes: dict[str, Work] = {base: piped([age, *to], plain), "zegel": piped([*ZEGEL, "seal", *to], plain)}
    report("sealing between pipes", in_turns(pipes, rounds, out), size, base)
    pipes = {
        base: piped([age, "-d", "-i", folder / "key"], sealed),
        "zegel": piped([*ZEGEL, "open", "-i", folder / "key"], sealed),
    }
    report("opening between pipes", in_turns(pipes, rounds, out), size, base)


def cipher_speed(cores: int) -> float:
    """Give the bytes per second of OpenSSL's ChaCha20-Poly1305 on *cores* cores: what no one can beat."""
    command = ["openssl", "speed", "-elapsed", "-seconds", "2", "-mr", "-bytes", "65536"]
    command += ["-multi", str(cores)] if cores > 1 else []
    told = subprocess.run([*command, "-evp", "chacha20-poly1305"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in told.splitlines() if line.startswith("+F:")]
    return float(lines[-1].split(":")[-1])


def in_process(folder: Path, size: int, rounds: int) -> None:
    """Inside a running process: against what reading, the cipher and writing allow together."""
    identity = X25519Identity.generate()
    cores = available_cores()
    plain, sealed, out = folder / "plain", folder / "sealed", folder / "out"
    with plain.open("rb") as source, sealed.open("wb") as target:
        seal_fd(source.fileno(), target.fileno(), [identity.recipient])

    def turn(from_path: Path, work: Callable[[int, int], object]) -> Work:
        def one() -> None:
            with from_path.open("rb") as source, out.open("wb") as target:
                work(source.fileno(), target.fileno())

        return one

    works: dict[str, Work] = {
        "copying, no cipher": turn(plain, lambda i, o: _copy(i, o, size, cores)),
        "sealing": turn(plain, lambda i, o: seal_fd(i, o, [identity.recipient])),
        "opening": turn(sealed, lambda i, o: open_fd(i, o, [identity])),
        "reading": turn(plain, lambda i, o: _copy(i, -1, size, cores)),
    }
    times = in_turns(works, rounds, out)
    report(f"in process, file to file, {cores} cores", times, size, "copying, no cipher")
    speeds = [cipher_speed(count) for count in (1, cores)]
    for count, speed in zip((1, cores), speeds, strict=True):
        print(f"  openssl speed chacha20-poly1305, {count} core(s): {speed / 1e9:.2f} GB/s")
    ceiling = times["copying, no cipher"].middle + size / speeds[1]
    print(f"  ceiling (copying with {cores} threads + cipher on {cores} cores): {ceiling:.3f} s")
    for name in ("sealing", "opening"):
        print(f"  {name}: {100 * ceiling / times[name].middle:.0f} % of the ceiling")


def _copy(fd_in: int, fd_out: int, size: int, threads: int) -> None:
    """Read (and write) as seal_fd does, without the cipher: the same batches, the same threads."""
    import itertools
    import threading

    batch = 1 << 20
    numbers = itertools.count()

    def work() -> None:
        buffer = bytearray(batch)
        while (at := next(numbers) * batch) < size:
            count = os.preadv(fd_in, [buffer], at)
            if fd_out >= 0:
                os.pwrite(fd_out, memoryview(buffer)[:count], at)

    crew = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()


def small_messages(rounds: int, size: int = 2048, count: int = 1500) -> None:
    """Messages of 2 kB in memory, one reader: per second and core, and with two processes."""
    print(f"\nmessages of {size} bytes in memory, per second (median of {rounds})")
    _small("hybrid", HybridIdentity.generate(), rounds, count)
    _small("X25519", X25519Identity.generate(), rounds, count)
    _pyrage(size, count, rounds)
    _typage(rounds)


def _small(name: str, identity: HybridIdentity | X25519Identity, rounds: int, count: int) -> None:
    sealed = seal(bytes(2048), identity.recipient)
    job = (identity.seed, name, count)
    seals = [count / timed(lambda: _seal_many(*job)) for _ in range(rounds)]
    opens = [count / timed(lambda: [open_(sealed, identity) for _ in range(count)]) for _ in range(rounds)]
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_seal_many, *zip(job, job, strict=True)))
        both = [
            2 * count / timed(lambda: list(pool.map(_seal_many, *zip(job, job, strict=True)))) for _ in range(rounds)
        ]
    one, two = statistics.median(seals), statistics.median(both)
    print(f"  {name:<8} seal {one:8.0f}   open {statistics.median(opens):8.0f}   ", end="")
    print(f"seal, 2 processes {two:8.0f} ({two / one:.2f}x)")


def _seal_many(seed: bytes, name: str, count: int) -> None:
    identity = HybridIdentity(seed) if name == "hybrid" else X25519Identity(seed)
    data, recipient = bytes(2048), identity.recipient
    for _ in range(count):
        seal(data, recipient)


def _pyrage(size: int, count: int, rounds: int) -> None:
    try:
        import pyrage
    except ImportError:
        print("  pyrage: not installed (uv sync --group bench)")
        return
    theirs = pyrage.x25519.Identity.generate()
    recipient, data = theirs.to_public(), bytes(size)
    sealed = pyrage.encrypt(data, [recipient])
    seals = statistics.median(
        count / timed(lambda: [pyrage.encrypt(data, [recipient]) for _ in range(count)]) for _ in range(rounds)
    )
    opens = statistics.median(
        count / timed(lambda: [pyrage.decrypt(sealed, [theirs]) for _ in range(count)]) for _ in range(rounds)
    )
    print(f"  pyrage   seal {seals:8.0f}   open {opens:8.0f}   (X25519)")


def _typage(rounds: int) -> None:
    node = ROOT / "tests/seal/node"
    if not shutil.which("node") or not (node / "node_modules").exists():
        print("  age-encryption: not installed (npm ci in tests/seal/node)")
        return
    script = ROOT / "bench/seal_typage.mjs"
    told = subprocess.run(["node", script, str(node), str(rounds)], capture_output=True, text=True, check=True)
    print(told.stdout, end="")


def starting(folder: Path, rounds: int) -> None:
    """How long a person waits for the smallest jobs."""
    identity = X25519Identity.generate()
    (folder / "key").write_text(str(identity))
    (folder / "small").write_bytes(seal(b"text", identity.recipient))
    works: dict[str, Work] = {
        "zegel --version": run([*ZEGEL, "--version"]),
        "zegel open, 4 bytes": run([*ZEGEL, "open", "-i", folder / "key", folder / "small"]),
        "python -c pass": run([sys.executable, "-c", "pass"]),
    }
    works |= {f"{name} -d": run([age, "-d", "-i", folder / "key", folder / "small"]) for name, age in ages().items()}
    print("\nstarting (median, ms)")
    for name, values in in_turns(works, rounds).items():
        print(f"  {name:<22}{1000 * values.middle:8.1f}")


def memory(folder: Path) -> None:
    """The most memory a whole process takes while sealing and opening."""
    print("\npeak memory of the whole process (MiB)")
    code = (
        "import sys; from zegel.doors.cli.seal_commands import VERBS; status = VERBS[sys.argv[1]](sys.argv[2:]);"
        "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0], file=sys.stderr)"
    )
    to = ["-r", str(X25519Identity.parse((folder / "key").read_text()).recipient)]
    for name, arguments in (
        ("seal, file to file", ["seal", *to, "-o", folder / "out", folder / "plain"]),
        ("seal, to a pipe", ["seal", *to, "-o", "/dev/null", folder / "plain"]),
        ("open, file to file", ["open", "-i", folder / "key", "-o", folder / "opened", folder / "out"]),
    ):
        ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        print(f"  {name:<22}{int(ran.stderr) / 1024:8.1f}")


def machine() -> str:
    """Say what this was measured on."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(": ")[1]
            break
    load = os.getloadavg()[0]
    return f"{model}, {available_cores()} cores, Python {platform.python_version()}, load {load:.2f}"


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description="Measure sealing against age, pyrage, openssl and age-encryption.")
    parser.add_argument("--mib", type=int, default=1024, help="size of the file (default 1024)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the files go (default: a temporary folder)")
    parser.add_argument("--only", choices=["files", "process", "small", "start"])
    asked = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder, size = Path(name), asked.mib << 20
        if asked.only != "small":
            with (folder / "plain").open("wb") as file:
                for _ in range(asked.mib):
                    file.write(os.urandom(1 << 20))
            os.sync()
        if asked.only in (None, "start"):
            starting(folder, 3 * asked.rounds)
        if asked.only in (None, "small"):
            small_messages(asked.rounds)
        if asked.only in (None, "process"):
            in_process(folder, size, asked.rounds)
        if asked.only in (None, "files"):
            whole_processes(folder, size, asked.rounds)
            memory(folder)
    print(f"\nload at the end {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
