"""Incidents by the store, held against a second fold of the transitions that the log gives.

Families are data of the pack: what others had grouped, and what lies before the kept log, is taken as it stands, and
the rest is judged from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ioc.domain.alert import Transition
from ioc.domain.incidents.family import IncidentFamily
from ioc.incidents.book import IncidentBook, IncidentState
from ioc.incidents.fold import fold_incidents

COMPARED = ("ordinal", "family", "key", "opened_at", "opened_position", "changed_at", "position", "moves")


class IncidentVerifier:
    """Groups what the log gives, from a position on, as these families say."""

    def __init__(self, families: Sequence[IncidentFamily]) -> None:
        self._families = families
        self._book: IncidentBook | None = None
        self._joined: set[str] = set()
        self.since = 0
        """What joined after this position is judged."""

    def begin(self, position: int, known: Iterable[IncidentState]) -> None:
        """Hear how incidents stood after a position; what comes later is judged."""
        self._book, self.since = IncidentBook(), position
        self._joined.clear()
        for incident in known:
            self._book.put(incident)

    def end_judging(self) -> None:
        """Hear that another engine folded what comes next: nothing is judged until it begins anew."""
        self._book = None

    def take(self, transitions: Iterable[Transition]) -> None:
        """Group what the log gives next."""
        if self._book is None:
            return
        later = (made for made in transitions if made.position > self.since)
        moves = fold_incidents(self._families, self._book, later)
        self._joined |= {move.transition.alert_id for move in moves if move.joins}

    @property
    def judges(self) -> bool:
        """Tell whether anything is judged."""
        return self._book is not None

    def end(
        self, members: Mapping[str, tuple[str, int]], rows: Sequence[Mapping[str, object]]
    ) -> Iterator[tuple[str, str]]:
        """Yield (alert or incident, what differs) of stored members and rows."""
        if self._book is None:
            return
        given: dict[str, tuple[str, int]] = {}
        for incident in self._book:
            places = enumerate(incident.members, start=1)
            given |= {alert: (incident.id, number) for number, alert in places if alert in self._joined}
        for alert in sorted(members.keys() | given.keys()):
            told, ours = members.get(alert), given.get(alert)
            if told != ours:
                yield alert, f"incident: {_said(told)}, the log gives {_said(ours)}"
        stored = {str(row["id"]): row for row in rows}
        for incident in self._book:
            row = stored.get(incident.id)
            if row is None:
                continue
            ours_now = {name: getattr(incident, name) for name in COMPARED} | {"firing": len(incident.firing)}
            for name, value in ours_now.items():
                if row[name] != value:
                    yield incident.id, f"incident's {name}: {row[name]}, the log gives {value}"


def _said(place: tuple[str, int] | None) -> str:
    return "none" if place is None else f"{place[0]}, its member {place[1]}"
