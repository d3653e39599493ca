"""What the parts of both APIs have in common, as pydantic has it: strict, and nothing beside what is written."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(max_length=26, examples=["k3mt3zmvwvuqrppbmm5mvjdu4q"])]
Moment = Annotated[str, Field(max_length=40, examples=["2026-12-20T09:14:00Z"])]
Language = Annotated[str, Field(max_length=10, examples=["nl"])]
ProofWord = Literal["mail", "code", "sms"]


class Strict(BaseModel):
    """Something that a caller sends: a member too many, or of another type, is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(BaseModel):
    """RFC 9457. ``code`` is stable; ``detail`` is a sentence in the language that ``Accept-Language`` asks for."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retry_after: int | None = None


class Deposited(BaseModel):
    """The parcel is durable and will be announced; ``url`` is where its sender follows it."""

    parcel: str
    url: str
