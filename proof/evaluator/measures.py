"""Measures and places as the independent evaluator computes them: each time anew from all readings, nothing kept.

Written from docs/rules.md alone; formulas.py has what decrees say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import Any, NamedTuple

from proof.evaluator.formulas import hourly_index, nesterov_p, nowcast, percentile
from proof.evaluator.rules import HOUR, Clause, FailedError, aggregate_of, local

EARTH_M = 6_371_008.8
DISTINCT_A_PANE = 32
WHOLE_HOURS = ("nowcast", "vn_aqi")
WHOLE_BACK = 2
"""How many panes further back than others they are asked: the one that runs is none, and one may be empty."""
AIR = ("pm2_5", "pm10", "no2", "so2", "o3", "co")


class Reading(NamedTuple):
    """One event as a rule sees it. ``values``: its fields of the right type, and its place."""

    position: int
    effective: int
    feed: str
    device: str | None
    values: Mapping[str, Any]
    clue: str = ""
    """What names it in the key of a cluster."""
    by_hand: bool = False
    """A person entered it."""


class Panes(NamedTuple):
    """The panes of a window at an instant."""

    at: int
    width: int
    number: int

    def age(self, reading: Reading) -> int:
        """Return how many panes a reading lies back; below 0 or from ``number`` on it is not in the window."""
        return self.at // self.width - reading.effective // self.width


def takes(item: Mapping[str, Any], reading: Reading, clauses: Mapping[str, Clause], zone: tzinfo) -> bool:
    """Tell whether a measure takes an event."""
    aggregate = aggregate_of(item)
    wanted = item[aggregate]
    names = {"vn_aqi": AIR, "nesterov": ("rain_mm",)}.get(aggregate, () if wanted is True else (wanted,))
    has = not names or any(reading.values.get(name) is not None for name in names)
    if not has and not (aggregate == "nesterov" and at_noon(reading, zone)):
        return False
    if "per" in item and reading.values.get(item["per"]) is None:
        return False
    if item.get("where") is None:
        return True
    try:
        return clauses[item["where"]](reading.values) is True
    except FailedError:
        return False


def measure(
    item: Mapping[str, Any], readings: Iterable[Reading], panes: Panes, *, clauses: Mapping[str, Clause], zone: tzinfo
) -> float | int | None:
    """Return a measure over the window, None for no data; ``readings`` in the order of the log."""
    first, end = (1, panes.number + WHOLE_BACK) if aggregate_of(item) in WHOLE_HOURS else (0, panes.number)
    taken = [one for one in readings if first <= panes.age(one) < end and takes(item, one, clauses, zone)]
    if "per" not in item:
        return aggregate(item, taken, panes, zone)
    groups: dict[Any, list[Reading]] = {}
    for one in taken:
        groups.setdefault(one.values[item["per"]], []).append(one)
    found = [value for group in groups.values() if (value := aggregate(item, group, panes, zone)) is not None]
    if item["take"] == "count":
        return len(found)
    if not found:
        return None
    return {"max": max, "min": min, "sum": added, "avg": lambda all_: math.fsum(all_) / len(all_)}[item["take"]](found)  # type: ignore[operator,no-any-return]


def added(found: Sequence[float]) -> float:
    """Return a sum that no order changes; counts stay whole."""
    return sum(found) if all(isinstance(value, int) for value in found) else math.fsum(found)


def aggregate(item: Mapping[str, Any], taken: Sequence[Reading], panes: Panes, zone: tzinfo) -> float | int | None:
    """Return one aggregate of the readings that a measure took."""
    name = aggregate_of(item)
    if name == "count":
        return len(taken)
    if name == "distinct":
        return distinct(str(item[name]), taken, panes)
    if name == "vn_aqi":
        last = 1 if any(panes.age(one) == 1 for one in taken) else 2
        return hourly_index({gas: air(gas, taken, panes, last) for gas in AIR})
    if name == "nesterov":
        return nesterov(taken, panes, zone)
    of = str(item[name])
    if name == "nowcast":
        return whole_nowcast(lambda age: mean([float(one.values[of]) for one in taken if panes.age(one) == age]))
    values = [float(one.values[of]) for one in taken]
    return of_numbers(name, [one.effective for one in taken], values, [panes.age(one) for one in taken])


def of_numbers(name: str, times: Sequence[int], values: Sequence[float], ages: Sequence[int]) -> float | None:
    """Return an aggregate of plain numbers, which come in the order of the log."""
    if not values or (name in ("delta", "rate") and len(set(times)) == 1):
        return None
    if name == "antecedent_rain":
        of_age = {age: [value for value, of in zip(values, ages, strict=True) if of == age] for age in ages}
        return math.fsum(0.85**age * total(rain) for age, rain in of_age.items())
    if name == "laeq":
        return round(10.0 * math.log10(total([10 ** (value / 10.0) for value in values]) / len(values)), 6)
    if re.fullmatch(r"p\d+", name):
        return percentile(values, int(name[1:]))
    order = sorted(range(len(values)), key=lambda number: times[number])  # stable: of one instant the log's order stays
    first, last = order[0], order[-1]
    if name in ("delta", "rate"):
        delta = values[last] - values[first]
        return delta if name == "delta" else delta / ((times[last] - times[first]) / HOUR)
    return {"min": min(values), "max": max(values), "first": values[first], "last": values[last],
            "sum": total(values), "avg": mean(values),
            "rise": values[last] - min(values), "fall": max(values) - values[last]}[name]  # fmt: skip


def total(values: Iterable[float]) -> float:
    """Return the sum of values, each rounded to six decimals."""
    return sum(round(round(value, 6) * 1_000_000) for value in values) / 1_000_000


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of values, each rounded to six decimals."""
    return total(values) / len(values) if values else None


def distinct(of: str, taken: Sequence[Reading], panes: Panes) -> int:
    """Return how many different values there are, of each pane the first 32."""
    seen: dict[int, list[Any]] = {}
    for one in taken:
        held = seen.setdefault(panes.age(one), [])
        if one.values[of] not in held and len(held) < DISTINCT_A_PANE:
            held.append(one.values[of])
    return len({(type(value), value) for held in seen.values() for value in held})


def whole_nowcast(of_hour: Callable[[int], float | None]) -> float | None:
    """Return the NowCast of the last hour that is over, or of the one before while that is empty."""
    newest = next((age for age in (1, 2) if of_hour(age) is not None), None)
    return None if newest is None else nowcast([of_hour(newest + age) for age in range(12)])


def air(gas: str, taken: Sequence[Reading], panes: Panes, last: int) -> float | None:
    """Return what VN_AQI is made of: NowCast of dust, a gas's mean of the hour that is ``last`` back."""

    def of_hour(age: int) -> float | None:
        hour = [one.values.get(gas) for one in taken if panes.age(one) == age]
        return mean([float(value) for value in hour if value is not None])

    return whole_nowcast(of_hour) if gas in ("pm2_5", "pm10") else of_hour(last)


def nesterov(taken: Sequence[Reading], panes: Panes, zone: tzinfo) -> float | None:
    """Return Nesterov's P from the oldest pane that holds something to the newest that does."""
    ages = [panes.age(one) for one in taken]
    days = []
    for age in range(max(ages, default=-1), min(ages, default=0) - 1, -1):
        pane = sorted((one for one in taken if panes.age(one) == age), key=lambda one: one.effective)
        noon = [one.values for one in pane if at_noon(one, zone)]
        rain = [float(one.values["rain_mm"]) for one in pane if one.values.get("rain_mm") is not None]
        last = noon[-1] if noon else {}
        days.append((total(rain) if rain else None, last.get("temperature_c"), last.get("humidity_pct")))
    return nesterov_p(days) if days else None


def at_noon(reading: Reading, zone: tzinfo) -> bool:
    """Tell whether it is a reading of 13 h with both of the figures that P needs."""
    both = all(reading.values.get(name) is not None for name in ("temperature_c", "humidity_pct"))
    return both and local(reading.effective, zone).hour == 13


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the great-circle distance of two points (lon, lat)."""
    lon_one, lat_one, lon_other, lat_other = (math.radians(degrees) for degrees in (*one, *other))
    a = (math.sin((lat_other - lat_one) / 2) ** 2
         + math.cos(lat_one) * math.cos(lat_other) * math.sin((lon_other - lon_one) / 2) ** 2)  # fmt: skip
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(a)))


def side_of(place: Mapping[str, Any], point: tuple[float, float]) -> str:
    """Return "inside", "outside" (by more than the margin) or "between" of an `enter` or `leave`."""
    margin = metres_of(place.get("margin"))
    if "circle" in place:
        away = distance_m(point, (place["circle"][0], place["circle"][1])) - metres_of(place["radius"])
    else:
        away = distance_to_polygon_m(point, [(lon, lat) for lon, lat in place["polygon"]])
    if away <= 0:
        return "inside"
    return "outside" if away > margin else "between"


def metres_of(text: Any) -> float:
    """Return a length in metres."""
    words = re.fullmatch(r"([\d.]+)(km|m)?", str(text or 0))
    assert words, "ioc check has read it"
    return float(words[1]) * (1_000 if words[2] == "km" else 1)


def distance_to_polygon_m(point: tuple[float, float], corners: Sequence[tuple[float, float]]) -> float:
    """Return how far outside of a polygon a point is; below 0: inside. Flat, as a city is."""
    turned = 0.0
    nearest = math.inf
    flat = [((lon - point[0]) * math.cos(math.radians(point[1])), lat - point[1]) for lon, lat in corners]
    for one, other in pairwise([*flat, flat[0]]):
        angle = math.atan2(other[1], other[0]) - math.atan2(one[1], one[0])
        turned += (angle + math.pi) % math.tau - math.pi  # a winding number: another way than the engine's
        east, north = other[0] - one[0], other[1] - one[1]
        along = -(one[0] * east + one[1] * north) / ((east**2 + north**2) or 1.0)
        along = min(1.0, max(0.0, along))
        nearest = min(nearest, math.hypot(one[0] + along * east, one[1] + along * north))
    metres = math.radians(nearest) * EARTH_M
    return -metres if abs(turned) > math.pi else metres
