"""``[[patch]]`` in the configuration → a patchwork."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from zegel.errors import Mistake
from zegel.stores.choosing import Ledger, Patch
from zegel.stores.drivers.driver import Driver
from zegel.stores.drivers.local import LocalStore
from zegel.stores.patchwork import Patchwork
from zegel.stores.sharing import check_library
from zegel.wiring.config.file import Config
from zegel.wiring.config.patches import PatchPart

FIRST = "local"
"""The name of the one patch of an installation that configures none; rows of before the patchwork say so too."""


def build_patchwork(config: Config, data: Path, ledger: Ledger, clock: Callable[[], datetime]) -> Patchwork:
    """Join the configured patches. Raises Mistake ``bad-patch`` naming the patch that cannot be."""
    parts = config.patch or (PatchPart(name=FIRST, folder=config.store),)
    names = [part.name for part in parts]
    for name in names:
        if names.count(name) > 1:
            raise Mistake("The patch {patch} stands twice in the configuration.", code="bad-patch", patch=name)
    patches = [Patch(part.name, _driver(part, data), part.supplier, part.rank) for part in parts]
    if any(part.shares for part in config.spread):
        check_library()
    spreads = {class_: part.spread() for part in config.spread for class_ in part.classes}
    return Patchwork(patches, ledger, clock, config.placement, spreads)


def _driver(part: PatchPart, data: Path) -> Driver:
    if part.driver == "local":
        return LocalStore(data / part.folder)
    if part.driver == "webdav":
        from zegel.stores.drivers.webdav import Folder, WebdavStore

        return WebdavStore(Folder(part.endpoint, _secret(part, part.access_key), _password(part, data)))
    if part.driver == "azure":
        return _azure(part, data)
    # Imported only here: it takes a third of a second, which an installation without S3 need not wait.
    from zegel.stores.drivers.s3 import Bucket, S3Store

    bucket = Bucket(
        endpoint=part.endpoint,
        bucket=part.bucket,
        region=part.region,
        access_key=_secret(part, part.access_key),
        secret_key=_password(part, data),
        prefix=part.prefix,
        path_style=part.path_style,
    )
    return S3Store(bucket)


def _azure(part: PatchPart, data: Path) -> Driver:
    try:
        from zegel.stores.drivers.azure import AzureStore, Container
    except ImportError:
        raise Mistake(
            "The patch {patch} needs the library for Azure Blob Storage: pip install 'zegel[azure]'.",
            code="no-azure",
            patch=part.name,
        ) from None
    account, secret = _secret(part, part.access_key), _password(part, data)
    return AzureStore(Container(part.endpoint, part.bucket, account, secret, part.prefix))


def _password(part: PatchPart, data: Path) -> str:
    return _secret(part, part.secret_key) if part.secret_key else _file(part, data / part.secret_key_file)


def _secret(part: PatchPart, value: str) -> str:
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if name not in os.environ:
        raise Mistake(
            "The patch {patch} needs the environment variable {name}.", code="bad-patch", patch=part.name, name=name
        )
    return os.environ[name]


def _file(part: PatchPart, path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise Mistake(
            "The patch {patch} needs the file {path}.", code="bad-patch", patch=part.name, path=path
        ) from None
