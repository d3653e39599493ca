"""Where sealed bytes lie: ``[[patch]]`` and ``[[spread]]``."""

from typing import Literal, Self

from pydantic import Field, model_validator

from zegel.stores.placement import Spread
from zegel.wiring.config.part import Part


class PatchPart(Part):
    """One place at one storage; ``supplier`` is its name in the register (``own``: the organisation itself)."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    driver: Literal["local", "s3", "webdav", "azure"] = "local"
    supplier: str = "own"
    rank: int = Field(default=0, ge=0, le=100)
    folder: str = ""
    endpoint: str = ""
    bucket: str = ""
    region: str = "us-east-1"
    prefix: str = Field(default="zegel/", pattern=r"^([A-Za-z0-9._-]+/)*$")
    path_style: bool = True
    access_key: str = ""
    secret_key: str = ""
    """Only ``env:NAME``, so that a secret never stands in this file."""
    secret_key_file: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.driver == "local" and not self.folder:
            raise ValueError("a local patch needs a folder")
        if self.driver == "s3" and not (self.endpoint and self.bucket and self.access_key):
            raise ValueError("an S3 patch needs endpoint, bucket and access_key")
        if self.driver == "webdav" and not (self.endpoint and self.access_key):
            raise ValueError("a WebDAV patch needs endpoint (the folder's address) and access_key (the user's name)")
        if self.driver == "azure" and not (self.endpoint and self.bucket):
            raise ValueError("an Azure patch needs endpoint (the account's address) and bucket (the container)")
        if self.driver != "local" and bool(self.secret_key) == bool(self.secret_key_file):
            raise ValueError("a patch elsewhere needs secret_key_file, or secret_key as env:NAME")
        if self.secret_key and not self.secret_key.startswith("env:"):
            raise ValueError("secret_key is env:NAME; keep the key itself in the environment or in a file")
        return self


class SharesPart(Part):
    """A blob in ``of`` shares, of which any ``needed`` make it (docs/reference/shares.md)."""

    needed: int = Field(ge=2, le=16)
    of: int = Field(ge=3, le=16)


class SpreadPart(Part):
    """How some classes are spread: copies or shares wanted; how many are durable before the sender is answered.

    ``least`` is 1 for copies; for shares one more than is needed, so that the loss of one place is survived at once.
    """

    classes: tuple[int, ...] = Field(min_length=1)
    copies: int = Field(default=1, ge=1, le=16)
    least: int = Field(default=0, ge=1, le=16)
    shares: SharesPart | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.shares is None:
            if self.least > self.copies:
                raise ValueError("least is more than copies")
            return self
        if "copies" in self.model_fields_set:
            raise ValueError("a class is kept in copies or in shares, not both")
        if self.shares.needed >= self.shares.of:
            raise ValueError("shares.of must be more than shares.needed, or nothing may ever be lost")
        if self.least and not self.shares.needed <= self.least <= self.shares.of:
            raise ValueError("least lies between shares.needed and shares.of")
        return self

    def spread(self) -> Spread:
        """As placement takes it."""
        if self.shares is None:
            return Spread(self.copies, self.least or 1)
        return Spread(self.shares.of, self.least or self.shares.needed + 1, self.shares.needed)
