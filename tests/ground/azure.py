"""A running Azurite, Microsoft's own emulator of Azure Blob Storage, in memory and on a free port."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azure.storage.blob import ContainerClient

from tests.ground.databases import missing
from zegel.parcels.identifiers import new_identifier
from zegel.stores.drivers.azure import Container

FOLDER = Path(__file__).parent / "azurite"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Not a secret: the account that every Azurite has (its README, *Default Storage Account*)."""


class Server:
    """Where it listens."""

    def __init__(self, url: str):
        self.url = f"{url}/{ACCOUNT}"

    def fresh(self) -> Container:
        """A new, empty container."""
        container = Container(self.url, f"test-{new_identifier()}", ACCOUNT, KEY)
        self.client(container).create_container()
        return container

    def client(self, container: Container) -> ContainerClient:
        """The owner's own way to it."""
        return ContainerClient(self.url, container.container, credential={"account_name": ACCOUNT, "account_key": KEY})


@contextmanager
def running_azurite(folder: Path) -> Iterator[Server]:
    """Yields it when it answers."""
    program = FOLDER / "node_modules/azurite/dist/src/blob/main.js"
    node = shutil.which("node")
    if not node or not program.exists():
        missing("node, and `npm ci --ignore-scripts` in tests/ground/azurite")
    command = [node, program, "--blobPort", "0", "--inMemoryPersistence"]
    command += ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as azurite:
        try:
            assert azurite.stdout
            lines = iter(azurite.stdout)
            yield Server(next(line.split()[-1] for line in lines if "successfully listens" in line))
        finally:
            azurite.kill()
