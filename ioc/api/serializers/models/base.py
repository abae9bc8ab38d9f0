"""What all models of answers share: closed members, times, text in two languages, pages of a list."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SUFFIX = "Model"
"""What a model's class is called beyond its name in the description: `AlertModel` is `Alert` there."""
Moment = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
        json_schema_extra={"format": "date-time"},
    ),
]
"""RFC 3339."""
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", json_schema_extra={"format": "date"})]
Values = dict[str, Any]
"""Readings by field, as the feed declares them."""


class AnswerModel(BaseModel):
    """Members that are always there, and no others; one with a default may be absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class LabelModel(AnswerModel):
    """Text in both languages."""

    vi: str
    en: str


class WholeListModel(AnswerModel):
    """A list that is read by cursor."""

    next: str | None
    """The cursor of the page after this one; null: this is the last."""


class PageModel(WholeListModel):
    """A page of a list that can be followed."""

    position: int
    """The change position at which the list is true."""


class GoneModel(AnswerModel):
    """Something that no longer belongs to the list: it left the area, the filters or the registry."""

    id: str
    gone: Literal[True]
    change_position: int
