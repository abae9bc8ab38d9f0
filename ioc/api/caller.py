"""One authenticated request, and the wall around who sent it."""

from dataclasses import dataclass
from datetime import date

from ioc.domain.account import Principal
from ioc.store.areas import AreaBook
from ioc.store.scope import Scope

USER = "user"
"""The kind of a principal that is a person."""


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
            InvalidInputError: a filter names nothing.
        """
        scope = self.scope
        for text in (area, zone):
            if text is not None:
                codes = self.book.resolve(text, self.today)
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
