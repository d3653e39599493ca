"""What Azure Blob Storage answers → the families of ours (see ``driver``, *Failures*)."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, HttpResponseError

from zegel.errors import Unavailable
from zegel.stores.drivers.driver import full, missing, refused, silent
from zegel.stores.drivers.parted import Exists

MISSING = {"BlobNotFound", "ResourceNotFound"}
LOCKED = {
    "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "OperationNotAllowedOnRootBlob", "LeaseIdMissing",
}  # fmt: skip
"""Of a deletion: an immutability policy, a legal hold, somebody's lease."""
_EXISTS = {"BlobAlreadyExists", "ConditionNotMet", "TargetConditionNotMet"}
_BEYOND = "InvalidRange"
_FULL = {"AccountLimitExceeded", "RequestBodyTooLarge", "BlockCountExceedsLimit"}
_REFUSED = {"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled", "AccountIsDisabled"}


class Beyond(Exception):
    """A range behind the end."""


@contextmanager
def translated() -> Iterator[None]:
    """The library's errors → NotFound and Unavailable (see ``driver``).

    Not chained: the text of an error that never reached the server has its address, and in that the signature of a SAS.
    """
    try:
        yield
    except HttpResponseError as error:
        raise of_answer(code_of(error), error.status_code or 0) from None
    except (AzureError, OSError, ValueError):
        raise silent() from None


def of_answer(code: str, status: int) -> Exception:
    """The error that an answer with this ``x-ms-error-code`` is."""
    if code in _EXISTS or status == 412:
        return Exists()
    if code == _BEYOND or status == 416:
        return Beyond()
    if code in MISSING:
        return missing()
    if code in _FULL or status in (413, 507):
        return full()
    if code in _REFUSED or status in (401, 403):
        return refused(code or f"HTTP {status}")
    return Unavailable("The storage does not answer.", code="store-unavailable", retry_after=30, reason=code)


def code_of(error: HttpResponseError) -> str:
    """The server's word; the library makes some of them members of an enumeration."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")
