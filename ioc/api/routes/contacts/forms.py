"""What people ask for and write of units and contacts, checked strictly."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from ioc.api.http.body import WHOLE, Input, Line, Reasoned
from ioc.api.http.filters import Place, WholeList, Words
from ioc.api.views.open_hours import check_hours
from ioc.api.wall.write_side import NAMES_AREA, NAMES_UNIT
from ioc.domain.contacts.directory import Contact, ContactMethod, MethodKind, Unit
from ioc.domain.plain_name import plain_name, required_name
from ioc.domain.severity import Severity
from ioc.errors import InvalidInputError
from ioc.packs.directory.schema_units import AREAS_MAX, DOMAINS_MAX, RANK_MAX, HoursEntry
from ioc.packs.pack import Pack
from ioc.store.registry.areas import AreaBook

METHODS_MAX = 8
TITLE_CHARS_MAX, FUNCTION_CHARS_MAX, PERSON_CHARS_MAX = 120, 400, 120
NUMBER = re.compile(r"\+?[0-9][0-9 .()-]{1,29}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
Title = Annotated[Line, Field(min_length=1, max_length=TITLE_CHARS_MAX)]
Code = Annotated[Line, Field(min_length=1, max_length=64)]


class UnitFilters(WholeList):
    """Which units of the directory."""

    area: Place | None = None
    domain: Words | None = None
    removed: bool = False


class ContactFilters(UnitFilters):
    """Which contacts of the directory."""

    unit: Words | None = None


class UnitForm(Reasoned):
    """A unit as it shall stand, and why."""

    name_vi: Title
    name_en: Title | None = None
    """Null: as in Vietnamese."""
    function_vi: Annotated[Line, Field(max_length=FUNCTION_CHARS_MAX)] | None = None
    function_en: Annotated[Line, Field(max_length=FUNCTION_CHARS_MAX)] | None = None
    rank: Annotated[int, Field(ge=0, le=RANK_MAX), WHOLE] = 100
    domains: Annotated[list[Code], Field(max_length=DOMAINS_MAX)] = Field(default_factory=list)
    areas: Annotated[list[Code], Field(max_length=AREAS_MAX), NAMES_AREA] = Field(default_factory=list)
    hours: HoursEntry | None = None
    parent: Annotated[Code, NAMES_UNIT] | None = None
    next_level: Annotated[Code, NAMES_UNIT] | None = None


class MethodForm(Input):
    """One way to reach a contact."""

    kind: Literal["tel", "radio", "zalo", "email"]
    value: Annotated[Line, Field(min_length=1, max_length=200)]


class ContactForm(Reasoned):
    """A contact as it shall stand, and why."""

    unit: Annotated[Code, NAMES_UNIT]
    title_vi: Title
    title_en: Title | None = None
    rank: Annotated[int, Field(ge=0, le=RANK_MAX), WHOLE] = 0
    methods: Annotated[list[MethodForm], Field(max_length=METHODS_MAX)] = Field(default_factory=list)
    hours: HoursEntry | None = None
    severity_from: Literal["info", "low", "medium", "high", "critical"] = "info"
    deputy: Code | None = None
    person: Annotated[Line, Field(max_length=PERSON_CHARS_MAX)] | None = None


def unit_of_form(identifier: str, form: UnitForm, *, pack: Pack, book: AreaBook, today: date) -> Unit:
    """Return the unit of a form.

    Raises:
        InvalidInputError: a domain, an area or hours that are none.
    """
    domains = {domain.id for domain in pack.domains}
    unknown = next((name for name in form.domains if name not in domains), None)
    if unknown is not None:
        raise InvalidInputError(
            f"there is no domain {unknown:.40}; there are {', '.join(sorted(domains))}", field="domains"
        )
    places = {*(zone.code for zone in book.zones), *(unit.code for unit in book.on(today))}
    astray = next((code for code in form.areas if code not in places), None)
    if astray is not None:
        raise InvalidInputError(
            f"no area of today and no zone is called {astray:.40}; /api/v1/areas lists them", field="areas"
        )
    hours = _hours(form.hours, pack)
    name, function = required_name(form.name_vi, field="name_vi"), _words(form.function_vi)
    return Unit(
        id=identifier,
        name_vi=name,
        name_en=_words(form.name_en) or name,
        function_vi=function,
        function_en=_words(form.function_en) or function if function else None,
        rank=form.rank,
        domains=tuple(dict.fromkeys(form.domains)),
        areas=tuple(dict.fromkeys(form.areas)),
        hours=hours,
        parent=form.parent,
        next_level=form.next_level,
    )


def contact_of_form(identifier: str, form: ContactForm, *, pack: Pack) -> Contact:
    """Return the contact of a form, without the name of its person.

    Raises:
        InvalidInputError: hours, a number or an address that are none.
    """
    title = required_name(form.title_vi, field="title_vi")
    return Contact(
        id=identifier,
        unit=form.unit,
        title_vi=title,
        title_en=_words(form.title_en) or title,
        rank=form.rank,
        methods=tuple(_method(one) for one in form.methods),
        hours=_hours(form.hours, pack),
        severity_from=Severity(form.severity_from),
        deputy=form.deputy,
    )


def person_of_form(form: ContactForm) -> str | None:
    """Return the name of who holds the function; nothing where nothing of it can be seen."""
    return _words(form.person)


def _method(form: MethodForm) -> ContactMethod:
    kind, value = MethodKind(form.kind), plain_name(form.value)
    if kind in (MethodKind.TEL, MethodKind.ZALO) and NUMBER.fullmatch(value) is None:
        raise InvalidInputError("a number has digits, spaces, dots or brackets, such as 0218 385 0000", field="methods")
    if kind is MethodKind.EMAIL and EMAIL.fullmatch(value) is None:
        raise InvalidInputError("an address such as truc.ban@example.vn", field="methods")
    if not value:
        raise InvalidInputError("say the channel or call sign", field="methods")
    return ContactMethod(kind, value)


def _hours(form: HoursEntry | None, pack: Pack) -> dict[str, object] | None:
    if form is None:
        return None
    hours = form.plain()
    check_hours(hours, pack.zone)
    return hours


def _words(text: str | None) -> str | None:
    return None if text is None else plain_name(text) or None
