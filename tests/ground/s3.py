"""Two real S3 servers, started here on loopback and ended with the tests: OpenStack Swift and Ceph.

Swift comes from PyPI into a virtual environment of its own, kept in a cache folder (``ZEGEL_TEST_CACHE``, else
``~/.cache/zegel-tests``): 40 MB and some seconds, once. Ceph is used where its programs are installed (Debian:
``apt-get install --no-install-recommends radosgw ceph-mon ceph-osd``), and skipped elsewhere.
"""

import http.client
import os
import secrets
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.ground.databases import missing
from tests.ground.ports import free_port
from tests.ground.processes import await_ready, running
from zegel.stores.drivers.s3 import Bucket, S3Store

SWIFT = "swift==2.38.3"
_NEEDED = (SWIFT, "pastedeploy==3.1.0", "setuptools<81")


@dataclass(frozen=True)
class Server:
    """A running S3 server; ``kind`` is ``swift`` or ``ceph``."""

    kind: str
    bucket: Bucket
    processes: tuple["subprocess.Popen[bytes]", ...]

    def fresh(self, **facts: object) -> Bucket:
        """A new bucket of its own for one test."""
        made = replace(self.bucket, bucket=f"zegel-{secrets.token_hex(6)}", **facts)  # type: ignore[arg-type]
        S3Store(made).client.create_bucket(Bucket=made.bucket)
        return made

    def kill(self) -> None:
        """What a provider does that goes under: gone in the middle of everything."""
        for process in self.processes:
            process.kill()
            process.wait()


# OpenStack Swift ------------------------------------------------------------------------------------------------------


@contextmanager
def running_swift(folder: Path) -> Iterator[Server]:
    """Account, container, object and proxy server, one process each, with S3 in front."""
    programs = _swift_programs()
    ports = {name: free_port() for name in ("object", "container", "account", "proxy")}
    bucket = Bucket(f"http://127.0.0.1:{ports['proxy']}", "none", "nl-swift", "proef:zegel", secrets.token_hex(12))
    _write_swift(folder, ports, bucket, programs)
    with ExitStack() as stack:
        processes = tuple(
            stack.enter_context(
                running(
                    [programs / f"swift-{name}-server", folder / f"{name}-server.conf"],
                    folder / f"{name}.log",
                    SWIFT_ETC=folder,
                )
            )
            for name in ("account", "container", "object", "proxy")
        )
        # All four: a proxy that misses the others once would give up on them for a minute.
        await_ready(
            processes, folder / "proxy.log", lambda: all(_answers(port, "/healthcheck") for port in ports.values())
        )
        yield Server("swift", bucket, processes)


def _swift_programs() -> Path:
    cache = Path(os.environ.get("ZEGEL_TEST_CACHE") or Path.home() / ".cache" / "zegel-tests")
    there = cache / SWIFT.replace("==", "-") / "bin"
    if (there / "swift-proxy-server").exists():
        return there
    cache.mkdir(parents=True, exist_ok=True)
    made = cache / f"making-{secrets.token_hex(4)}"
    try:
        if uv := shutil.which("uv"):
            # Relocatable, because it is moved into place when it is complete.
            _run(uv, "venv", "-q", "--relocatable", "--python", sys.executable, made)
            _run(uv, "pip", "install", "-q", "--python", made / "bin" / "python", *_NEEDED)
        else:
            _run(sys.executable, "-m", "venv", there.parent)
            _run(there / "pip", "install", "-q", "--disable-pip-version-check", *_NEEDED)
            return there
        made.rename(there.parent)
    except (subprocess.CalledProcessError, OSError):
        shutil.rmtree(made, ignore_errors=True)
        if not (there / "swift-proxy-server").exists():
            missing("OpenStack Swift, and PyPI to get it from")
    return there


def _write_swift(folder: Path, ports: dict[str, int], bucket: Bucket, programs: Path) -> None:
    (folder / "disks" / "d1").mkdir(parents=True)
    (folder / "swift.conf").write_text(
        f"[swift-hash]\nswift_hash_path_prefix = {secrets.token_hex(8)}\nswift_hash_path_suffix = zegel\n"
        "[storage-policy:0]\nname = gold\ndefault = yes\n"
    )
    common = f"bind_ip = 127.0.0.1\nworkers = 0\nuser = {_user()}\nswift_dir = {folder}\nlog_level = WARNING\n"
    # Its own patience with itself is half a second to connect and one until a listing knows of an object: on a busy
    # machine it would answer 503, and list what was put a while later.
    common += "conn_timeout = 30\nnode_timeout = 60\nrecoverable_node_timeout = 60\ncontainer_update_timeout = 60\n"
    for name in ("object", "container", "account"):
        (folder / f"{name}-server.conf").write_text(
            f"[DEFAULT]\n{common}bind_port = {ports[name]}\ndevices = {folder / 'disks'}\nmount_check = false\n"
            "fallocate_reserve = 0\ndisable_fallocate = true\n"
            f"[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
        )
        ring = programs / "swift-ring-builder"
        builder = folder / f"{name}.builder"
        _run(ring, builder, "create", "4", "1", "1")
        _run(ring, builder, "add", f"r1z1-127.0.0.1:{ports[name]}/d1", "1")
        _run(ring, builder, "rebalance", codes=(0, 1))
    filters = "catch_errors gatekeeper healthcheck listing_formats s3api tempauth bulk slo dlo versioned_writes symlink"
    account, _, user = bucket.access_key.partition(":")
    settings = {
        # A bucket's name may also stand before the host's (virtual-host style), as at most providers.
        "s3api": f"s3_acl = false\nlocation = {bucket.region}\nauth_pipeline_check = false\n"
        "storage_domain = localhost\n",
        "tempauth": f"user_{account}_{user} = {bucket.secret_key} .admin\n",
        "versioned_writes": "allow_versioned_writes = true\nallow_object_versioning = true\n",
    }
    (folder / "proxy-server.conf").write_text(
        f"[DEFAULT]\n{common}bind_port = {ports['proxy']}\n"
        f"[pipeline:main]\npipeline = {filters} proxy-server\n"
        "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
        "error_suppression_limit = 1000000\n"
        + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n{settings.get(name, '')}" for name in filters.split())
    )


# Ceph -----------------------------------------------------------------------------------------------------------------


@contextmanager
def running_ceph(folder: Path, gigabytes: int = 8) -> Iterator[Server]:
    """One monitor, one OSD on a sparse file of so many GiB, one RADOS gateway; it gives space back after hours only."""
    for program in ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph-authtool", "monmaptool"):
        if not shutil.which(program):
            pytest.skip("this machine lacks Ceph (Debian: radosgw ceph-mon ceph-osd)")
    mon, gate = free_port(), free_port()
    bucket = Bucket(f"http://127.0.0.1:{gate}", "none", "default", secrets.token_hex(8), secrets.token_hex(16))
    _write_ceph(folder, mon, gate, gigabytes << 30)
    conf = ("-c", folder / "ceph.conf")
    _run("ceph-authtool", "-C", folder / "mon.keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    caps = [word for part in ("mon", "osd", "mgr") for word in ("--cap", part, "allow *")]
    _run("ceph-authtool", "-C", folder / "admin.keyring", "--gen-key", "-n", "client.admin", *caps)
    _run("ceph-authtool", folder / "mon.keyring", "--import-keyring", folder / "admin.keyring")
    fsid = (folder / "fsid").read_text()
    _run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{mon}/0]", folder / "monmap")
    _run("ceph-mon", *conf, "--mkfs", "-i", "a", "--monmap", folder / "monmap", "--keyring", folder / "mon.keyring")
    with ExitStack() as stack:
        start = [stack.enter_context(running(["ceph-mon", *conf, "-i", "a", "-f"], folder / "mon.out"))]
        osd = str(uuid.uuid4())
        _run("ceph", *conf, "osd", "new", osd)
        allow = ["mon", "allow profile osd", "osd", "allow *", "mgr", "allow profile osd"]
        _run("ceph", *conf, "auth", "get-or-create", "osd.0", *allow, "-o", folder / "osd0" / "keyring")
        allow = ["mon", "allow rw", "osd", "allow rwx"]
        _run("ceph", *conf, "auth", "get-or-create", "client.rgw.a", *allow, "-o", folder / "rgw" / "keyring")
        _run("ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", osd)
        _run("ceph", *conf, "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=h1")
        start.append(stack.enter_context(running(["ceph-osd", *conf, "-i", "0", "-f"], folder / "osd.out")))
        start.append(stack.enter_context(running(["radosgw", *conf, "-n", "client.rgw.a", "-f"], folder / "rgw.out")))
        await_ready(tuple(start), folder / "rgw.out", lambda: _answers(gate, "/"))
        _run(
            "radosgw-admin", *conf, "user", "create", "--uid=zegel", "--display-name=zegel",
            f"--access-key={bucket.access_key}", f"--secret={bucket.secret_key}",
        )  # fmt: skip
        yield Server("ceph", bucket, (start[2],))


def _write_ceph(folder: Path, mon: int, gate: int, size: int) -> None:
    for name in ("mon", "osd0", "rgw", "run", "log"):
        (folder / name).mkdir()
    fsid = str(uuid.uuid4())
    (folder / "fsid").write_text(fsid)
    # On another port than 3300 a monitor must be told that it speaks v2; without cephx the OSD stays down.
    (folder / "ceph.conf").write_text(
        f"""
[global]
fsid = {fsid}
mon_initial_members = a
mon_host = v2:127.0.0.1:{mon}/0
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
run_dir = {folder}/run
log_file = {folder}/log/$name.log
admin_socket = {folder}/run/$name.asok
pid_file = {folder}/run/$name.pid
ms_bind_msgr1 = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
[client.admin]
keyring = {folder}/admin.keyring
[mon.a]
mon_data = {folder}/mon
[osd.0]
osd_data = {folder}/osd0
keyring = {folder}/osd0/keyring
osd_objectstore = bluestore
bluestore_block_create = true
bluestore_block_size = {size}
osd_memory_target = 939524096
[client.rgw.a]
rgw_data = {folder}/rgw
keyring = {folder}/rgw/keyring
rgw_frontends = beast endpoint=127.0.0.1:{gate}
rgw_thread_pool_size = 64
"""
    )


# Processes ------------------------------------------------------------------------------------------------------------


def _run(*command: object, codes: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=180, check=False)
    if done.returncode not in codes:
        raise subprocess.CalledProcessError(done.returncode, str(command[0]), done.stdout, done.stderr)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name
