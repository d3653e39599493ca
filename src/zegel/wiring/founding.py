"""``zegel init``: a data folder with configuration, keys and database, made completely or not at all."""

import json
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from zegel.errors import Mistake
from zegel.keys.custody import make_keys
from zegel.wiring.config.file import FILE, check_config
from zegel.wiring.ground import configure_django, make_outside_key, open_ground

_TEXT = """\
# Zegel. Every key is explained in docs/reference/configuration.md; unknown keys are refused.
database = {database}
demo = {demo}

[organisation]
name = {organisation}
host = {host}

[web]
url = {url}
listen = {listen}

[inside]
url = {inside_url}
listen = {inside_listen}

[smtp]
listen = {smtp_listen}

[mail]
kind = "maildir"
sender = {sender}

[sms]
kind = "file"

[policy]
archive = {archive}
"""


def found(
    data: Path,
    *,
    organisation: str,
    url: str,
    sender: str,
    database: str = "",
    archive: str = "",
    port: int = 8025,
    demo: bool = False,
) -> None:
    """Make the folder; raises Mistake when there is something already, or a value is not right."""
    if data.exists() and any(data.iterdir()):
        raise Mistake("{path} is not empty.", code="folder-exists", path=data)
    if archive:
        from zegel.seal import parse_recipient

        parse_recipient(archive)
    text = _configuration(organisation, url.rstrip("/"), sender, database, archive, port, demo)
    data.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{data.name}-", dir=data.parent))
    try:
        (made / FILE).write_text(text)
        _check(made / FILE, data / FILE)
        (made / "public.json").write_text(make_keys(made / "keys").public.spell())
        make_outside_key(made)
        if data.exists():
            data.rmdir()
        made.rename(data)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    configure_django(open_ground(data), "outside")
    from zegel.records.connect import migrate

    migrate()


def _configuration(organisation: str, url: str, sender: str, database: str, archive: str, port: int, demo: bool) -> str:
    values = {
        "database": database,
        "organisation": organisation,
        "host": urlsplit(url).netloc,
        "url": url,
        "listen": f"127.0.0.1:{port}",
        "inside_url": f"http://127.0.0.1:{port + 1}/inside/v1",
        "inside_listen": f"127.0.0.1:{port + 1}",
        "smtp_listen": f"127.0.0.1:{port + 2}",
        "sender": sender,
        "archive": archive,
    }
    # A JSON string of printable characters is a TOML basic string.
    return _TEXT.format(demo=json.dumps(demo), **{key: json.dumps(value) for key, value in values.items()})


def _check(path: Path, shown: Path) -> None:
    import tomllib

    check_config(tomllib.loads(path.read_text()), shown)
