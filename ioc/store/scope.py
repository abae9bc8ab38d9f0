"""What a reader may see, as one value; and the WHERE clause that every query of people's nouns is built with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Scope:
    """The wall around one reader. ``areas`` null means every area; an empty set sees nothing.

    A row without an area that speaks of a whole zone is seen by who may see all of that zone (``zones``).
    """

    areas: frozenset[str] | None = None
    zones: frozenset[str] = frozenset()
    hidden_feeds: frozenset[str] = frozenset()
    restricted: bool = True
    """Whether restricted rows are seen at all."""

    def sees(self, *, area: str | None, zone: str | None, restricted: bool = False, feed: str | None = None) -> bool:
        """Tell whether one row is inside the wall: the same verdict as :meth:`Where.scope` gives in SQL."""
        if restricted and not self.restricted:
            return False
        if feed is not None and feed in self.hidden_feeds:
            return False
        if self.areas is None:
            return True
        return area in self.areas if area is not None else zone is not None and zone in self.zones

    def narrow(self, areas: frozenset[str], zones: frozenset[str]) -> Self:
        """Return the scope that also lies inside a filter's areas; ``zones`` are those the filter covers whole."""
        if self.areas is None:
            return replace(self, areas=areas, zones=zones)
        return replace(self, areas=self.areas & areas, zones=self.zones & zones)


@dataclass(slots=True)
class Where:
    """A WHERE clause under construction: fixed SQL text with numbered parameters, never a value in the text."""

    clauses: list[str] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)

    def value(self, value: object) -> str:
        """Add a parameter and return its placeholder."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def add(self, clause: str, *values: object) -> Self:
        """Add a condition; each ``{}`` in it becomes the placeholder of the next value."""
        self.clauses.append(clause.format(*[self.value(value) for value in values]))
        return self

    def one_of(self, column: str, values: Sequence[str] | None) -> Self:
        """Add ``column = ANY(values)`` unless there is no filter."""
        if values is not None:
            self.add(f"{column} = ANY({{}}::text[])", list(values))
        return self

    def scope(
        self, scope: Scope, *, area: str, zone: str, feed: str | None = None, restricted: str | None = None
    ) -> Self:
        """Add the wall; the arguments name the columns that carry area, zone, feed and the restricted mark."""
        if scope.areas is not None:
            self.add(
                f"({area} = ANY({{}}::text[]) OR ({area} IS NULL AND {zone} = ANY({{}}::text[])))",
                sorted(scope.areas),
                sorted(scope.zones),
            )
        if feed is not None and scope.hidden_feeds:
            self.add(f"({feed} IS NULL OR NOT {feed} = ANY({{}}::text[]))", sorted(scope.hidden_feeds))
        if restricted is not None and not scope.restricted:
            self.add(f"NOT {restricted}")
        return self

    def search(self, columns: str, text: str | None) -> Self:
        """Add a search that ignores case, diacritics and tone placement (Hoà = Hòa = Hoa)."""
        if text:
            self.add(f"strpos({folded(columns)}, {folded('{}::text')}) > 0", text)
        return self

    @property
    def sql(self) -> str:
        """Return the condition, TRUE when nothing was added."""
        return " AND ".join(self.clauses) or "TRUE"


def folded(expression: str) -> str:
    """Return SQL for ``expression`` in lower case without Vietnamese marks."""
    return f"replace(regexp_replace(normalize(lower({expression}), NFD), U&'[\\0300-\\036F]', '', 'g'), 'đ', 'd')"
