"""Real S3 servers for the tests of this room, one of each kind per test process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ground import s3


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.Server]:
    with s3.running_swift(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.Server]:
    # A unix socket's path has at most 107 bytes, so not pytest's own folder.
    import tempfile

    with tempfile.TemporaryDirectory(prefix="zegel-ceph-") as name, s3.running_ceph(Path(name)) as server:
        yield server
