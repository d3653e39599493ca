"""What an S3 server answers → the families of ours (see ``driver``, *Failures*)."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions
from urllib3.exceptions import HTTPError

from zegel.errors import Unavailable
from zegel.stores.drivers.driver import full, missing, refused, silent
from zegel.stores.drivers.parted import Exists

MISSING = {"NoSuchKey", "404", "NotFound"}
_FULL = {"QuotaExceeded", "507", "EntityTooLarge", "InsufficientStorage"}
LOCKED = {"AccessDenied", "ObjectLocked", "InvalidRequest", "MethodNotAllowed", "403"}
_REFUSED = {
    "AccessDenied", "AllAccessDisabled", "AccountProblem", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken",
    "NoSuchBucket", "PermanentRedirect", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "403",
    "UserSuspended", "Forbidden", "Unauthorized", "401",
}  # fmt: skip


class Answer(Exception):
    """What ``s3_wire`` was told instead of what it asked for."""

    def __init__(self, code: str, status: int):
        super().__init__(code)
        self.code = code
        self.status = status


@contextmanager
def translated() -> Iterator[None]:
    """botocore's and urllib3's errors → NotFound and Unavailable (see ``driver``)."""
    try:
        yield
    except exceptions.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise _of_answer(code_of(error), status) from error
    except Answer as error:
        raise _of_answer(error.code, error.status) from error
    except (exceptions.BotoCoreError, HTTPError, OSError, ValueError) as error:
        raise silent() from error


def _of_answer(code: str, status: int) -> Exception:
    if code in ("PreconditionFailed", "412") or status == 412:
        return Exists()
    if code in MISSING:
        return missing()
    if code in _FULL or status == 507:
        return full()
    if code in _REFUSED or status in (401, 403):
        return refused(code)
    return Unavailable("The storage does not answer.", code="store-unavailable", retry_after=30, reason=code)


def code_of(error: exceptions.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
