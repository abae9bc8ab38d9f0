"""The query parameters of lists: one strict model each, so that a filter nobody knows is refused by name."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ioc.api.http.body import Line
from ioc.api.http.paging import CURSOR_LENGTH_MAX, LIMIT_DEFAULT, LIMIT_MAX
from ioc.domain.alert import Condition, TransitionKind
from ioc.domain.indicators.indicator import ImportState
from ioc.domain.maintenance.window import MaintenanceState
from ioc.domain.moment import LOCAL_ZONE, parse_time
from ioc.domain.severity import Severity
from ioc.errors import UnknownValueError
from ioc.packs.pack import Pack
from ioc.work.transitions import WorkAction, WorkState

YEAR_MAX = 9_000
MANY_MAX, MANY_CHARS_MAX = 32, 64
"""Values in a comma-separated filter, and characters of each."""
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_moment(text: object) -> object:
    """Return the time of RFC 3339 text; a naive one means the pack's zone, a bare date its midnight."""
    if isinstance(text, str):
        moment = parse_time(text.replace(" ", "+"))
        if moment.year > YEAR_MAX:
            raise ValueError("time out of range")
        return moment
    return text


def one_or_more(text: str) -> str:
    """Refuse an empty, too long or one too many item in a comma-separated list."""
    values = text.split(",")
    if not all(values):
        raise ValueError("an empty value in the list")
    if len(values) > MANY_MAX or any(len(value) > MANY_CHARS_MAX for value in values):
        raise ValueError(f"at most {MANY_MAX} values of {MANY_CHARS_MAX} characters")
    return text


def read_day(text: object) -> object:
    """Accept a date as ISO 8601 writes it: pydantic would read `0` as one of 1970."""
    if isinstance(text, str) and text != "all" and not DAY.fullmatch(text):
        raise ValueError("a date such as 2026-07-01, or `all`")
    return text


Moment = Annotated[datetime, BeforeValidator(read_moment)]
Words = Annotated[Line, Field(min_length=1, max_length=200)]
Place = Annotated[Line, Field(min_length=1, max_length=40)]


def known_only(allowed: Collection[str]) -> AfterValidator:
    """Refuse a value that is none of ``allowed``, and name those that are."""
    allowed = frozenset(str(value) for value in allowed)

    def check(text: str) -> str:
        unknown = next((part for part in text.split(",") if part not in allowed), None)
        if unknown is not None:
            values = {"value": f"{unknown:.40}", "allowed": ", ".join(sorted(allowed))}
            raise PydanticCustomError("unknown_value", "there is no {value}; there are {allowed}", values)
        return text

    return AfterValidator(check)


LISTED = "x-listed"
"""How a filter's schema says that it takes several values with commas between, until the description says it."""
Many = Annotated[
    Line, Field(min_length=1, max_length=MANY_MAX * (MANY_CHARS_MAX + 1), json_schema_extra={LISTED: True}),
    AfterValidator(one_or_more),
]  # fmt: skip
"""One value or several with commas between."""
States = Annotated[Many, known_only(WorkState)]
Conditions = Annotated[Many, known_only(Condition)]
Severities = Annotated[Many, known_only(Severity)]
Statuses = Annotated[Many, known_only(("online", "silent", "never", "maintenance", "retired"))]
OfPack = Callable[[Pack], Collection[str]]
PACK_VALUES: Mapping[str, OfPack] = {
    "feed": lambda pack: pack.feeds,
    "domain": lambda pack: [domain.id for domain in pack.domains],
}
"""Filters whose values are those of the pack, wherever a list takes them."""


def check_values(filters: BaseModel, pack: Pack) -> None:
    """Accept only values that the pack has; devices, rules, people and undeclared fields come and go: any is asked for.

    Raises:
        UnknownValueError: there is no such value; the message names those that there are.
    """
    for name, values_of in PACK_VALUES.items():
        asked = many(getattr(filters, name, None))
        allowed = values_of(pack)
        unknown = next((value for value in asked or () if value not in allowed), None)
        if unknown is not None:
            named = ", ".join(sorted(allowed))
            raise UnknownValueError(f"there is no {name} {unknown:.40}; there are {named}", field=name)


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


class WholeList(BaseModel):
    """A page of a list that most clients want whole: as long as a page may be unless they say otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_MAX
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class ChangesPage(Page):
    """A list that can be followed: what has changed after a position, in place of the list itself."""

    changed_after: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None


class MaintenanceFilters(WholeList):
    """Which maintenance windows."""

    device: Words | None = None
    state: Annotated[Many, known_only(MaintenanceState)] | None = None


class RulePage(BaseModel):
    """A page of a rule's history, or of what it saw in monitor mode."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class Span(Page):
    """A page within a time range [from, to)."""

    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None


class AlertFilters(Span, ChangesPage):
    """Filters of alerts; `from` and `to` bound opened_at."""

    open: bool | None = None
    state: States | None = None
    condition: Conditions | None = None
    severity: Severities | None = None
    domain: Many | None = None
    rule: Many | None = None
    device: Many | None = None
    feed: Many | None = None
    assignee: Words | None = None
    incident: Words | None = None
    """The id of an incident: its alerts."""
    silenced: bool | None = None
    """Whether a silence hides it now; both unless that is asked."""
    q: Words | None = None
    sort: Literal["attention", "newest", "oldest"] = "attention"


class IncidentFilters(ChangesPage):
    """Filters of incidents."""

    open: bool | None = None


class HistoryPage(BaseModel):
    """A page of moves."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class AlertHistoryPage(BaseModel):
    """A page of an alert's history."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Annotated[Many, known_only((*TransitionKind, *WorkAction))] | None = None
    sort: Literal["oldest", "newest"] = "oldest"
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


class DeviceFilters(ChangesPage):
    """Filters of devices."""

    feed: Many | None = None
    status: Statuses | None = None
    parent: Words | None = None
    q: Words | None = None
    low_battery: bool | None = None
    """Whether the newest battery that it told is below 20 %."""


class DeviceSheetFilters(Filters):
    """Which devices a workbook has."""

    feed: Many | None = None
    status: Statuses | None = None
    parent: Words | None = None
    q: Words | None = None
    low_battery: bool | None = None
    """Whether the newest battery that it told is below 20 %."""


class EventFilters(Span):
    """Filters of events; `from` and `to` bound the effective time."""

    feed: Many | None = None
    device: Many | None = None
    domain: Many | None = None


class ManualFilters(Page):
    """Filters of what people entered by hand."""

    feed: Words | None = None
    mine: bool = False


class IndicatorFilters(BaseModel):
    """Which indicators, and of which period: that of each which is newest, unless one is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    domain: Many | None = None
    agency: Many | None = None
    period: Annotated[str | None, Field(pattern=r"^20[0-9]{2}(-(0[1-9]|1[0-2])|-Q[1-4])?$")] = None
    late: bool | None = None
    area: Place | None = None


class IndicatorPage(IndicatorFilters, WholeList):
    """A page of them; a workbook has all."""


class ImportFilters(WholeList):
    """Which imports of figures, by what became of them."""

    state: Annotated[Many, known_only(ImportState)] | None = None


class ImportQuery(BaseModel):
    """How a sheet is sent: only to be looked at, and under which name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    dry_run: bool = False
    name: Words | None = None


class DeviceImportQuery(ImportQuery):
    """How a sheet of devices is sent; `keys`: each new device gets a key, which the answer shows once."""

    keys: bool = False


class TemplateQuery(BaseModel):
    """As which kind of file a template is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    form: Literal["xlsx", "csv"] = "xlsx"


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


class QualityFilters(Filters):
    """Over which time the account of each feed is."""

    window: Literal["24h", "30d"] = "24h"


class SourceQualityFilters(Page):
    """Which sources, and over which time."""

    window: Literal["24h", "30d"] = "24h"
    feed: Many | None = None
    device: Words | None = None


class DeadLetterFilters(Page):
    """Filters of dead letters."""

    feed: Many | None = None
    device: Many | None = None
    reason: Many | None = None


class LetterGroupFilters(Filters):
    """Which causes of dead letters; `by=source` tells each source apart."""

    feed: Many | None = None
    device: Many | None = None
    reason: Many | None = None
    by: Literal["cause", "source"] = "cause"
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT


class UnknownDeviceFilters(WholeList):
    """A page of unknown devices; with `ignored=true` of those that somebody ignores."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_DEFAULT)] = 50
    ignored: bool = False


class ReleaseFilters(WholeList):
    """A page of what was let in."""


class DayQuery(WholeList):
    """The day whose units are wanted: a date, or `all` for every validity."""

    on: Annotated[date | Literal["all"] | None, BeforeValidator(read_day)] = None


class PlaceQuery(BaseModel):
    """What a place is called. Everybody may ask for every place of the city; sites are those of the caller's areas."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    q: Annotated[Line, Field(min_length=1, max_length=100)]


class AuditPage(BaseModel):
    """A page of the audit trail."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str | None, Field(max_length=CURSOR_LENGTH_MAX)] = None


def local_midnight(day: date) -> datetime:
    """Return the moment a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL_ZONE).astimezone(UTC)
