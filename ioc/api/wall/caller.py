"""One authenticated request, and the wall around who sent it."""

from dataclasses import dataclass
from datetime import date

from ioc.domain.people.account import Principal
from ioc.errors import InvalidInputError, UnknownValueError
from ioc.store.postgres.scope import Scope
from ioc.store.registry.areas import AreaBook


@dataclass(frozen=True, slots=True)
class Caller:
    """One authenticated request: who, what they see, from where, in which language."""

    principal: Principal
    scope: Scope
    book: AreaBook
    today: date
    address: str | None
    language: str

    def within(self, area: str | None, zone: str | None) -> Scope:
        """Return the caller's wall narrowed by the filters `area` and `zone`.

        Raises:
            UnknownValueError: a filter names nothing.
        """
        scope = self.scope
        for name, text in (("area", area), ("zone", zone)):
            if text is not None:
                try:
                    codes = self.book.resolve(text, self.today)
                except InvalidInputError as error:
                    zones = ", ".join(zone.code for zone in self.book.zones)
                    told = f"{error}; zones are {zones}, /api/v1/areas lists the codes"
                    raise UnknownValueError(told, field=name) from error
                scope = scope.narrow(codes, self.book.whole_zones(codes))
        return scope


def scope_of(principal: Principal, book: AreaBook, restricted_feeds: frozenset[str]) -> Scope:
    """Return the wall around a principal."""
    return Scope(
        areas=principal.areas,
        zones=book.whole_zones(principal.areas),
        hidden_feeds=restricted_feeds if principal.masked else frozenset(),
        restricted=not principal.masked,
    )
