"""Where people say that something is: a unit by its name or a former one, a site, a kilometre of a road."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ioc.domain.feed import Label
from ioc.domain.search import words_of

EARTH_M = 6_371_008.8
PLACES_MAX = 20
KILOMETRE = re.compile(r"\bkm\s*(?P<km>\d{1,4})(?:\s*[+/]\s*(?P<m>\d{1,3})|[.,](?P<part>\d{1,3}))?(?!\d)")
"""`km 45+300`, `km45,3`: a kilometre post and metres behind it, or a decimal."""
BARE = re.compile(r"(?<!\d)(?P<km>\d{1,4})\s*\+\s*(?P<m>\d{1,3})(?!\d)(?P<part>)")
"""`45+300`."""
Point = tuple[float, float]
"""(lat, lon)."""


class PlaceKind(StrEnum):
    """What a place of the gazetteer is."""

    ROAD = "road"
    """A kilometre of a road."""
    UNIT = "unit"
    """A unit of today."""
    FORMER = "former"
    """A unit that has ended, by the name that people still say."""
    SITE = "site"
    """Where a device stands: a school, a bridge, a lake."""


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place with a point; ``estimated``: the point is read off our own drawing."""

    kind: PlaceKind
    name: Label
    lat: float
    lon: float
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place under the texts that it is found by."""

    place: FoundPlace
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoadMark:
    """A kilometre of a road that is known to lie at a point."""

    km: float
    point: Point


@dataclass(frozen=True, slots=True)
class Road:
    """A road's line, and the kilometres that are known on it; ``sketch``: we drew it."""

    id: str
    name: Label
    line: tuple[Point, ...]
    marks: tuple[RoadMark, ...]
    sketch: bool = True

    def at(self, km: float) -> Point | None:
        """Return where a kilometre lies; None where the line does not reach it.

        Between two marks it is shared out by the length of the line, beyond the last one a kilometre is a kilometre.
        """
        known = sorted((mark.km, self._along(mark.point)) for mark in self.marks)
        if not known:
            return None
        (first_km, first_m), (last_km, last_m) = known[0], known[-1]
        ahead = 1.0 if last_m >= first_m else -1.0
        if km <= first_km:
            return self._point(first_m - ahead * (first_km - km) * 1_000.0)
        if km >= last_km:
            return self._point(last_m + ahead * (km - last_km) * 1_000.0)
        for (low_km, low_m), (high_km, high_m) in itertools.pairwise(known):
            if low_km <= km <= high_km:
                return self._point(low_m + (high_m - low_m) * (km - low_km) / (high_km - low_km))
        return None

    def _steps(self) -> list[float]:
        return [distance_m(one, other) for one, other in itertools.pairwise(self.line)]

    def _point(self, along_m: float) -> Point | None:
        """Return the point so far from the line's beginning; None before it and behind its end."""
        if along_m < 0.0:
            return None
        for step_m, (one, other) in zip(self._steps(), itertools.pairwise(self.line), strict=True):
            if along_m <= step_m:
                share = along_m / step_m if step_m else 0.0
                return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share
            along_m -= step_m
        return None

    def _along(self, point: Point) -> float:
        """Return how far from the beginning the line is nearest to a point."""
        best = (math.inf, 0.0)
        begun_m = 0.0
        for step_m, (one, other) in zip(self._steps(), itertools.pairwise(self.line), strict=True):
            share = _share(point, one, other)
            near = one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share
            best = min(best, (distance_m(point, near), begun_m + share * step_m))
            begun_m += step_m
        return best[1]


def distance_m(one: Point, other: Point) -> float:
    """Return the great-circle distance of two points."""
    lat, lat_, lon = math.radians(one[0]), math.radians(other[0]), math.radians(other[1] - one[1])
    half = math.sin((lat_ - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat_) * math.sin(lon / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def _share(point: Point, one: Point, other: Point) -> float:
    """Return where between two points a third one is nearest, from 0 to 1: a city lies on flat ground."""
    wide = math.cos(math.radians(one[0]))
    ahead = other[0] - one[0], (other[1] - one[1]) * wide
    aside = point[0] - one[0], (point[1] - one[1]) * wide
    length = ahead[0] ** 2 + ahead[1] ** 2
    return 0.0 if length == 0.0 else max(0.0, min(1.0, (ahead[0] * aside[0] + ahead[1] * aside[1]) / length))


def kilometre(text: str) -> tuple[float, str] | None:
    """Return the kilometre that a text says, and the text without it; None where it says none."""
    said = text.lower()
    match = KILOMETRE.search(said) or BARE.search(said)
    if match is None:
        return None
    behind = int(match["m"]) / 1_000 if match["m"] else float(f"0.{match['part']}") if match["part"] else 0.0
    return int(match["km"]) + behind, f"{said[: match.start()]} {said[match.end() :]}"


def post(km: float) -> str:
    """Return a kilometre as it stands on a post: `km 45+300`."""
    whole, metres = divmod(round(km * 1_000), 1_000)
    return f"km {whole}+{metres:03d}"


def find(text: str, roads: Sequence[Road], named: Iterable[NamedPlace], *, limit: int = PLACES_MAX) -> list[FoundPlace]:
    """Return the places that a text says: kilometres of roads first, then what is named so, in the order given."""
    found: list[FoundPlace] = []
    said = kilometre(text)
    if said is not None:
        km, rest = said
        # "ql 6", "QL6" and "quốc lộ 6" name the same road; without a name every road is meant.
        asked = "".join(words_of(rest)).replace("quoclo", "ql")
        for road in roads:
            point = road.at(km) if not asked or asked in (road.id, *words_of(road.name.vi)) else None
            if point is not None:
                name = Label(f"{post(km)}, {road.name.vi}", f"{post(km)}, {road.name.en}")
                found.append(FoundPlace(PlaceKind.ROAD, name, round(point[0], 6), round(point[1], 6), road.sketch))
    words = words_of(text)
    if words:
        # Thịnh Lang itself goes before the ward that it is a part of today.
        known = [one for one in named if _begin(words, one.words)]
        found += [one.place for one in sorted(known, key=lambda one: not _begin(words, words_of(one.place.name.vi)))]
    return found[:limit]


def _begin(asked: Iterable[str], words: Sequence[str]) -> bool:
    return all(any(word.startswith(part) for word in words) for part in asked)
