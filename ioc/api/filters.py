"""The query parameters of lists: one strict model each, so that a filter nobody knows is refused by name."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ioc.api.body import Line
from ioc.api.paging import CURSOR_LENGTH_MAX, LIMIT_DEFAULT, LIMIT_MAX
from ioc.domain.moment import LOCAL_ZONE, parse_time

YEAR_MAX = 9_000


def read_moment(text: object) -> object:
    """Return the time of RFC 3339 text; a naive one means the pack's zone, a bare date its midnight."""
    if isinstance(text, str):
        moment = parse_time(text.replace(" ", "+"))
        if moment.year > YEAR_MAX:
            raise ValueError("time out of range")
        return moment
    return text


def one_or_more(text: str) -> str:
    """Refuse an empty item in a comma-separated list."""
    if any(not part for part in text.split(",")):
        raise ValueError("an empty value in the list")
    return text


Moment = Annotated[datetime, BeforeValidator(read_moment)]
Words = Annotated[Line, Field(min_length=1, max_length=200)]
Place = Annotated[Line, Field(min_length=1, max_length=40)]
Many = Annotated[Line, Field(min_length=1, max_length=400), AfterValidator(one_or_more)]
"""One value or several with commas between."""


def many(text: str | None) -> Sequence[str] | None:
    """Return the values of a comma-separated filter."""
    return text.split(",") if text is not None else None


class Filters(BaseModel):
    """What every filtered route has: an area or zone, and no unknown name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    area: Place | None = None
    zone: Place | None = None


class Page(Filters):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class RulePage(BaseModel):
    """A page of a rule's history, or of what it saw in monitor mode."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class Span(Page):
    """A page within a time range [from, to)."""

    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None


class AlertFilters(Span):
    """Filters of alerts; `from` and `to` bound opened_at."""

    open: bool | None = None
    state: Many | None = None
    condition: Many | None = None
    severity: Many | None = None
    domain: Many | None = None
    rule: Many | None = None
    device: Many | None = None
    feed: Many | None = None
    assignee: Words | None = None
    q: Words | None = None


class DeviceFilters(Page):
    """Filters of devices."""

    feed: Many | None = None
    status: Many | None = None
    parent: Words | None = None
    q: Words | None = None


class EventFilters(Span):
    """Filters of events; `from` and `to` bound the effective time."""

    feed: Many | None = None
    device: Many | None = None
    domain: Many | None = None


class LatestFilters(Page):
    """Filters of latest values."""

    feed: Many | None = None
    device: Many | None = None
    domain: Many | None = None
    field: Many | None = None


class SeriesFilters(Filters):
    """One line of a chart."""

    field: Words
    device: Words | None = None
    feed: Words | None = None
    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None
    step: Literal["raw", "5m", "1h", "1d"] = "5m"
    aggregate: Literal["avg", "min", "max", "sum", "count", "last"] = "avg"


class DeadLetterFilters(Page):
    """Filters of dead letters."""

    feed: Many | None = None
    device: Many | None = None
    reason: Many | None = None


class OnDay(BaseModel):
    """The day whose units are wanted: a date, or `all` for every validity."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    on: date | Literal["all"] | None = None


class AuditPage(BaseModel):
    """A page of the audit trail."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


def local_midnight(day: date) -> datetime:
    """Return the moment a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL_ZONE).astimezone(UTC)
