"""How a city's alerts are grouped: the families of its pack, with the names that titles are told with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.domain.feed import Label
from ioc.domain.incidents.family import IncidentFamily, Nearness, grouping_mark

NOWHERE = Label("địa bàn", "the site")


@dataclass(frozen=True, slots=True)
class Grouping:
    """Families in the order in which they are asked, and the names of zones and of today's units."""

    families: tuple[IncidentFamily, ...] = ()
    zones: Mapping[str, Label] = field(default_factory=dict)
    areas: Mapping[str, Label] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Return a short hash of what decides memberships."""
        return grouping_mark(self.families)

    @property
    def within_seconds_max(self) -> int:
        """Return how long after its last move an incident that is over may be joined, of any family."""
        return max((family.within_seconds for family in self.families), default=0)

    def title(self, family_id: str, key: str, *, area: str | None, zone: str | None) -> Label:
        """Return what an incident is called, by its family and where its first alert is."""
        family = next(each for each in self.families if each.id == family_id)
        of_zone = self.zones.get(zone or "", NOWHERE)
        names = {"zone": of_zone, "area": self.areas.get(area or "", of_zone)}
        if family.near is Nearness.PLACE:
            names["place"] = family.place_name(key) or of_zone
        return Label(
            family.title.vi.format(**{name: said.vi for name, said in names.items()}),
            family.title.en.format(**{name: said.en for name, said in names.items()}),
        )

    def headline(self, family_id: str, worst: Mapping[str, str], *, devices: int, alerts: int) -> dict[str, str]:
        """Return an incident in one line: its worst alert, and how many there are."""
        family = next((each for each in self.families if each.id == family_id), None)
        if family is None:  # the pack no longer has it
            return dict(worst)
        counts = {"devices": max(devices, 1), "alerts": alerts}
        return {
            "vi": family.headline.vi.format(worst=worst["vi"], **counts),
            "en": family.headline.en.format(worst=worst["en"], **counts),
        }
