"""What the door answers once it has committed, as models that the API's description is made from."""

from pydantic import BaseModel, ConfigDict


class _AnswerModel(BaseModel):
    """Members that are always there, and no others; one with a default may be absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class RejectedModel(_AnswerModel):
    """An event that was not taken."""

    index: int
    """Its place in what was sent."""
    reason: str
    detail: str


class RemarkedModel(_AnswerModel):
    """An event of which the sender should know something."""

    index: int
    event: str | None = None
    """Of a duplicate, the key of the event that it repeats."""
    detail: str | None = None
    flags: list[str] | None = None


class AcceptedModel(_AnswerModel):
    """Committed: what was taken, and what was not with its reason."""

    accepted: int
    duplicate: int
    rejected: list[RejectedModel]
    duplicates: list[RemarkedModel] | None = None
    marked: list[RemarkedModel] | None = None
    """Events that were taken and flagged."""
