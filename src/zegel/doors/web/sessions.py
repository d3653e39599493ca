"""Sessions in the database, under a digest of their key: who reads the table cannot be anybody in it."""

import hashlib
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone


class SessionStore(DatabaseStore):
    """Django's store; the name of a row is the digest of the key in the cookie. Django looks for this class name."""

    def _get_session_from_db(self) -> Any:
        key = self.session_key
        rows = self.model.objects.filter(expire_date__gt=timezone.now())
        found = rows.filter(session_key=_kept(key)).first() if key else None
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str | None = None) -> bool:
        return bool(session_key) and super().exists(_kept(str(session_key)))

    def create_model_instance(self, data: Any) -> Any:
        row = super().create_model_instance(data)
        row.session_key = _kept(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(_kept(key))


def _kept(key: str) -> str:
    # The key has 165 random bits: a plain hash is enough. The column has 40 characters.
    return hashlib.sha256(b"zegel session v1\0" + key.encode()).hexdigest()[:40]
