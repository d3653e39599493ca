"""What all tables of the configuration have in common."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A table whose unknown keys are refused, so that a mistyped one is never a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)
