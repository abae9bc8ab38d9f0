"""What people ask for and write of silences, checked strictly."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ioc.api.http.body import Input, Line, NotNull, Why
from ioc.api.http.filters import Many, Moment, WholeList, Words, check_values, known_only, many
from ioc.api.views.open_hours import check_hours
from ioc.domain.severity import Severity
from ioc.domain.silences.silence import SilencePlan, SilenceState
from ioc.errors import InvalidInputError, UnknownValueError
from ioc.packs.directory.schema_units import HoursEntry
from ioc.packs.pack import Pack
from ioc.store.registry.areas import AreaBook

NAMED_MAX = 20
Code = Annotated[Line, Field(min_length=1, max_length=64)]
Named = Annotated[list[Code], Field(max_length=NAMED_MAX)]
SeverityName = Literal["info", "low", "medium", "high", "critical"]


class SilenceFilters(WholeList):
    """Which silences."""

    state: Annotated[Many, known_only(SilenceState)] | None = None
    owner: Words | None = None


class PreviewFilters(BaseModel):
    """The matchers of a silence that is being thought of."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: Many | None = None
    domain: Many | None = None
    area: Many | None = None
    device: Many | None = None
    severity_max: SeverityName = "high"


class MatchForm(Input):
    """Which alerts: what is named must fit, what is left out fits all; at least one is named."""

    rule: Named = Field(default_factory=list)
    domain: Named = Field(default_factory=list)
    area: Named = Field(default_factory=list)
    device: Named = Field(default_factory=list)
    severity_max: SeverityName = "high"
    """What is graver is never silenced."""


class SilenceForm(Input):
    """A silence as it shall be."""

    match: MatchForm
    since: Annotated[Moment | None, Field(alias="from")] = None
    """Null: from now on."""
    until: Annotated[Moment, Field(alias="to")]
    active: HoursEntry | None = None
    """Null: all of that time; else its periods, in the words of a rule's `active`."""
    reason: Why


class SilenceChange(Input):
    """What of a silence changes; what is not sent stays as it is."""

    match: Annotated[MatchForm | None, NotNull()] = None
    since: Annotated[Moment | None, Field(alias="from"), NotNull()] = None
    until: Annotated[Moment | None, Field(alias="to"), NotNull()] = None
    active: HoursEntry | None = None
    reason: Annotated[Why | None, NotNull()] = None


def plan_of_form(form: SilenceForm, *, now: datetime, pack: Pack, book: AreaBook, today: date) -> SilencePlan:
    """Return the plan of a form.

    Raises:
        InvalidInputError: a domain, an area or hours that are none.
    """
    return SilencePlan(
        form.since or now, form.until, form.reason, **_matchers(form.match, pack=pack, book=book, today=today),
        active=_hours(form.active, pack),
    )  # fmt: skip


def changed_members(form: SilenceChange, *, pack: Pack, book: AreaBook, today: date) -> dict[str, Any]:
    """Return what of a plan a form changes.

    Raises:
        InvalidInputError: a domain, an area or hours that are none.
    """
    sent = form.model_fields_set
    found: dict[str, Any] = {} if form.match is None else _matchers(form.match, pack=pack, book=book, today=today)
    members = (
        ("starts_at", "since", form.since),
        ("ends_at", "until", form.until),
        ("reason", "reason", form.reason),
    )
    found |= {name: value for name, member, value in members if member in sent}
    if "active" in sent:
        found["active"] = _hours(form.active, pack)
    return found


def plan_of_preview(filters: PreviewFilters, *, now: datetime, pack: Pack, book: AreaBook, today: date) -> SilencePlan:
    """Return a plan of the matchers alone.

    Raises:
        UnknownValueError: a domain or an area that is none. InvalidInputError: nothing is named.
    """
    check_values(filters, pack)
    zones = [zone.code for zone in book.zones]
    areas = {*zones, *(unit.code for unit in book.on(today))}
    unknown = next((area for area in many(filters.area) or () if area not in areas), None)
    if unknown is not None:
        raise UnknownValueError(
            f"there is no area {unknown:.40} today; there are {', '.join(zones)} and those of /api/v1/areas",
            field="area",
        )
    names = ("rule", "domain", "area", "device")
    form = MatchForm(
        **{name: list(many(getattr(filters, name)) or ()) for name in names}, severity_max=filters.severity_max
    )
    if not any(getattr(form, name) for name in names):
        raise InvalidInputError("name at least one rule, domain, area or device", field="match")
    return SilencePlan(now, now, "", **_matchers(form, pack=pack, book=book, today=today))


def _matchers(form: MatchForm, *, pack: Pack, book: AreaBook, today: date) -> dict[str, Any]:
    _check("domain", form.domain, [domain.id for domain in pack.domains])
    _check("area", form.area, [*(zone.code for zone in book.zones), *(unit.code for unit in book.on(today))])
    named = {f"{name}s": tuple(dict.fromkeys(getattr(form, name))) for name in ("rule", "domain", "area", "device")}
    return {**named, "severity_max": Severity(form.severity_max)}


def _check(member: str, values: Sequence[str], known: Sequence[str]) -> None:
    unknown = next((value for value in values if value not in known), None)
    if unknown is not None:
        raise InvalidInputError(
            f"there is no {member} {unknown:.40} today; /api/v1/{member}s lists them", field=f"match.{member}"
        )


def _hours(entry: HoursEntry | None, pack: Pack) -> Mapping[str, Any] | None:
    if entry is None:
        return None
    hours = entry.plain()
    check_hours(hours, pack.zone)
    return hours
