"""A real WebDAV server in this process: WsgiDAV on Cheroot, other people's programs, with a password and a folder."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zegel.stores.drivers.webdav import Folder

USER, PASSWORD = "zegel", "geheim-wachtwoord"


@contextmanager
def running_webdav(folder: Path) -> Iterator[Folder]:
    """Serve ``folder``; yields how to reach it."""
    from cheroot import wsgi
    from wsgidav.wsgidav_app import WsgiDAVApp

    program: Any = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder)},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "lock_storage": True,
            "property_manager": None,
            "verbose": 0,
            "logging": {"enable": False},
        }
    )
    server = wsgi.Server(("127.0.0.1", 0), program, numthreads=16)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield Folder(f"http://127.0.0.1:{server.bind_addr[1]}/", USER, PASSWORD)
    finally:
        server.stop()
        thread.join(30)
