"""The five families of errors, on the lowest floor of the house.

Every error that leaves a room belongs to one family, which tells whose fault it is; the doors translate the
family into the reply of their protocol and nothing else:

============  =====================================  ==========  ==========
family        whose                                  HTTP        SMTP
============  =====================================  ==========  ==========
Mistake       the caller's; the same call will fail  400/413/…   5xx
Denied        the caller may not                     401/403/429 535/550
NotFound      there is no such thing (any more)      404/410     550
Unavailable   ours or a supplier's; try again later  503         451
Damaged       ours or the store's; data is not what  500         451
              we wrote, or a sealed file is altered
============  =====================================  ==========  ==========

The text is an English sentence for people with ``{placeholders}``; it is also the key under which its
translation is found, so doors call ``gettext(error.text).format(**error.facts)``. It never holds a secret:
facts end up in logs and on screens.
"""

from typing import ClassVar


class ZegelError(Exception):
    """The base of the five families; raise one of them, never this.

    ``text`` is the untranslated sentence, ``facts`` what fills its placeholders, ``code`` a stable word for
    programs (problem+json ``type``, exit text); ``retry_after`` seconds, where waiting helps.
    """

    code: ClassVar[str] = "error"

    def __init__(self, text: str, *, code: str | None = None, retry_after: int | None = None, **facts: object):
        super().__init__(text)
        self.text = text
        self.facts = facts
        self.kind = code or self.code
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.text.format(**self.facts) if self.facts else self.text


class Mistake(ZegelError):
    """The caller asked for something that cannot be; asking again the same way will fail again."""

    code = "mistake"


class Denied(ZegelError):
    """The caller is not who he says, or may not do this, or must wait before he tries again."""

    code = "denied"


class NotFound(ZegelError):
    """There is no such thing, or not any more."""

    code = "not-found"


class Unavailable(ZegelError):
    """We cannot do it now (store, database or mail server away, disk full); later the same call may succeed."""

    code = "unavailable"


class Damaged(ZegelError):
    """Bytes are not what was written: a blob altered in storage, a sealed file that does not verify."""

    code = "damaged"
