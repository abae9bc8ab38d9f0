"""The strict frame of `incidents.yaml`: which alerts are one situation, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ioc.domain.feed import Label
from ioc.domain.incidents.family import IncidentFamily, IncidentPlace, Nearness, matches
from ioc.packs.schema import Duration, LabelText, Name, Slug, Strict, duration_seconds
from ioc.packs.schema_place import DeviceId

FAMILIES_MAX, RULES_MAX, PLACES_MAX, DEVICES_MAX = 40, 60, 200, 200
WITHIN_SECONDS_MAX = 7 * 86_400
HOLDER = re.compile(r"\{([^{}]*)\}")
HEADLINE_HOLDERS = frozenset({"worst", "devices", "alerts"})
TITLE_HOLDERS = {
    Nearness.ZONE: frozenset({"zone"}), Nearness.AREA: frozenset({"area", "zone"}),
    Nearness.PLACE: frozenset({"place"}), Nearness.RADIUS: frozenset({"area", "zone"}),
}  # fmt: skip
RulePattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\*?$")]
Radius = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}(m|km)$")]


class IncidentPlaceEntry(Strict):
    """A dam, a river: by the devices that measure it, and by rules that are about it alone."""

    id: Slug
    name: LabelText
    devices: list[DeviceId] = Field(default_factory=list, max_length=DEVICES_MAX)
    rules: list[RulePattern] = Field(default_factory=list, max_length=RULES_MAX)

    @model_validator(mode="after")
    def check_frame(self) -> Self:
        """It is known by something."""
        if not self.devices and not self.rules:
            raise ValueError("a place is known by its devices or rules")
        if any(rule.endswith("*") for rule in self.rules):
            raise ValueError("the rules of a place are named whole")
        return self

    def place(self) -> IncidentPlace:
        """Return the place."""
        name = Label(self.name.vi, self.name.en)
        return IncidentPlace(self.id, name, frozenset(self.devices), frozenset(self.rules))


class IncidentFamilyEntry(Strict):
    """One family. Its alerts are told by `rules` or `domains`; one of `same`, `radius` and `places` says how near."""

    id: Slug
    title: LabelText
    headline: LabelText
    rules: list[RulePattern] = Field(default_factory=list, max_length=RULES_MAX)
    domains: list[Name] = Field(default_factory=list, max_length=RULES_MAX)
    same: Literal["zone", "area"] | None = None
    radius: Radius | None = None
    places: list[IncidentPlaceEntry] = Field(default_factory=list, max_length=PLACES_MAX)
    within: Duration

    @property
    def near(self) -> Nearness:
        """Return what its alerts have in common."""
        if self.same is not None:
            return Nearness(self.same)
        return Nearness.RADIUS if self.radius is not None else Nearness.PLACE

    @model_validator(mode="after")
    def check_frame(self) -> Self:
        """It takes something, in one way, for a bounded time, and its words ask for what there is."""
        if not self.rules and not self.domains:
            raise ValueError("say which alerts: rules or domains")
        if sum((self.same is not None, self.radius is not None, bool(self.places))) != 1:
            raise ValueError("say one of same, radius and places")
        if duration_seconds(self.within) > WITHIN_SECONDS_MAX:
            raise ValueError("within: at most 7d")
        ids = [place.id for place in self.places]
        if len(set(ids)) != len(ids):
            raise ValueError("a place comes twice")
        for name, text, known in (
            ("title", self.title, TITLE_HOLDERS[self.near]), ("headline", self.headline, HEADLINE_HOLDERS),
        ):  # fmt: skip
            for said in (text.vi, text.en):
                for holder in HOLDER.findall(said):
                    if holder not in known:
                        raise ValueError(f"{name}: no {{{holder}}} here, one of {', '.join(sorted(known))}")
        if "{worst}" not in self.headline.vi or "{worst}" not in self.headline.en:
            raise ValueError("headline: it tells the {worst} of its alerts")
        return self

    def family(self) -> IncidentFamily:
        """Return the family."""
        radius_m = 0.0
        if self.radius is not None:
            km = self.radius.endswith("km")
            radius_m = float(self.radius.removesuffix("km" if km else "m")) * (1_000.0 if km else 1.0)
        return IncidentFamily(
            id=self.id,
            title=Label(self.title.vi, self.title.en),
            headline=Label(self.headline.vi, self.headline.en),
            near=self.near,
            within_seconds=duration_seconds(self.within),
            rules=tuple(self.rules),
            domains=frozenset(self.domains),
            radius_m=radius_m,
            places=tuple(entry.place() for entry in self.places),
        )


class IncidentsEntry(Strict):
    """The file `incidents.yaml`: the first family that takes an alert has it."""

    incidents: list[IncidentFamilyEntry] = Field(min_length=1, max_length=FAMILIES_MAX)


def family_faults(
    entry: IncidentFamilyEntry, *, rules: set[str], domains: set[str], devices: set[str]
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield what a family names and the pack does not have: where, what is wrong, and what to do."""
    for place, pattern in enumerate(entry.rules):
        if not any(matches(pattern, rule) for rule in rules):
            yield ("rules", place), f"no rule is called `{pattern}`", "the id of a rule, or its beginning and *"
    for place, name in enumerate(entry.domains):
        if name not in domains:
            yield ("domains", place), f"unknown domain `{name}`", f"one of {', '.join(sorted(domains))}"
    seen: set[str] = set()
    for number, known in enumerate(entry.places):
        for place, device in enumerate(known.devices):
            if device not in devices:
                yield ("places", number, "devices", place), f"unknown device `{device}`", "an id of devices.csv"
            elif device in seen:
                yield ("places", number, "devices", place), f"`{device}` is of two places", "leave it in one"
            seen.add(device)
        for place, rule in enumerate(known.rules):
            if not any(matches(pattern, rule) for pattern in entry.rules) or rule not in rules:
                message = f"`{rule}` is no rule of the family"
                yield ("places", number, "rules", place), message, "name it under rules of the family, too"
