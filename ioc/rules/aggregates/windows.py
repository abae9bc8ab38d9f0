"""Windows: what a key remembers of the panes of its window, and the measures at its head (docs/rules.md, Windows)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import tzinfo
from typing import Any

import orjson

from ioc.rules.aggregates.accumulators import Accumulator, Count, Energy, Stats, Value
from ioc.rules.aggregates.field_measures import accumulator
from ioc.rules.language.clause import EvaluationError
from ioc.rules.language.kinds import Measure, Take, Window

WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 43_200,
            86_400)  # fmt: skip
PANES_MAX, PANES_DISTINCT_MAX, PANES_PERCENTILE_MAX = 72, 12, 6
HOURLY = frozenset({"nowcast", "vn_aqi"})
"""Aggregates of whole hours: the hour that runs is no data to them (docs/rules.md, Whole hours)."""
HOURS_BACK = 2
"""How many panes further back they look than others: past the one that runs, and past one that was empty."""
DAILY = frozenset({"antecedent_rain", "nesterov"})
BY_HAND_MAX = 64
"""Readings of one key that may be taken back; at the bound the oldest stays for good, and is counted."""
PER_MAX = 200
"""Values of `per` in one key."""
PARTS_TOLD = 20
"""Of them in evidence."""
SUMMED = frozenset({"sum", "antecedent_rain"})
"""Aggregates whose panes are told as sums, the others as means."""


class WindowParts:
    """A measure for each value of `per` apart, and the one value made of them."""

    __slots__ = ("found", "head", "make", "parts", "stale", "take", "whole")

    def __init__(self, take: Take, make: Any) -> None:
        self.take = take
        self.make = make
        self.parts: dict[str, Accumulator] = {}
        self.found: dict[str, Value] = {}
        """The value of each part when ``head`` was the newest pane, but for those that are ``stale``."""
        self.stale: set[str] = set()
        self.head: int | None = None
        self.whole: Value = None
        """What was last made of them."""

    def add(self, part: str, pane: int, values: Mapping[str, Any], at_us: int) -> bool | None:
        """Take an event into its part; None when there is no room for one more part."""
        known = self.parts.get(part)
        if known is None:
            known = self.make()
            if not known.add(pane, values, at_us):
                return False
            if len(self.parts) >= PER_MAX:
                return None
            self.parts[part] = known
        elif not known.add(pane, values, at_us):
            return False
        self.stale.add(part)
        return True

    def drop(self, below: int) -> None:
        """Forget panes that have left, and parts without any."""
        for part in [part for part, known in self.parts.items() if (known.oldest() or 0) < below]:
            known = self.parts[part]
            known.drop(below)
            self.stale.add(part)
            if known.oldest() is None:
                del self.parts[part]

    def oldest(self) -> int | None:
        """Return the oldest pane of any part."""
        return min((pane for known in self.parts.values() if (pane := known.oldest()) is not None), default=None)

    def value(self, head: int) -> Value:
        """Return the parts' values as one."""
        anew = head != self.head  # NowCast and the like look at the newest pane
        if anew:
            self.found.clear()
            self.head, self.stale = head, set(self.parts)
        if anew or self.stale:
            for part in self.stale:
                self.found.pop(part, None)
                if part in self.parts:
                    self.found[part] = self.parts[part].value(head)
            self.stale.clear()
            self.whole = self._as_one()
        return self.whole

    def _as_one(self) -> Value:
        """Make one value of those of all parts."""
        values = [value for value in self.found.values() if value is not None]
        if self.take is Take.COUNT:
            return len(values)
        if not values:
            return None
        if self.take is Take.MAX:
            return max(values)
        if self.take is Take.MIN:
            return min(values)
        if self.take is Take.SUM and all(type(value) is int for value in values):
            return sum(values)  # counts stay whole: clauses compare them with whole numbers
        total = math.fsum(values)  # exactly rounded, so that the order of the parts does not matter
        return total if self.take is Take.SUM else total / len(values)

    def told(self, head: int) -> tuple[dict[str, Any], Accumulator | None]:
        """Return the parts' values, the largest first, and the part that decided where one did."""
        self.value(head)  # asks the parts that have changed
        found = sorted(((value, part) for part, value in self.found.items() if value is not None), reverse=True)
        said: dict[str, Any] = {"parts": [{"part": part, "v": value} for value, part in found[:PARTS_TOLD]]}
        if not found or self.take not in (Take.MAX, Take.MIN):
            return said, None
        said["part"] = found[0 if self.take is Take.MAX else -1][1]
        return said, self.parts[said["part"]]

    def pack(self) -> Any:
        """Return it for a snapshot."""
        return {part: known.pack() for part, known in self.parts.items()}

    def unpack(self, packed: Any) -> None:
        """Take back what :meth:`pack` gave."""
        for part, known in packed.items():
            self.parts[part] = self.make()
            self.parts[part].unpack(known)


class WindowState:
    """The window of one key.

    Panes remember sums and not readings. So of readings that a person may take back each is kept beside them, with the
    window as it would be without any of these: taking one back begins there, and adds the others again.
    """

    __slots__ = ("by_hand", "measures", "newest_hour", "oldest", "oldest_hour", "others")

    def __init__(self, window: Window, zone: tzinfo) -> None:
        self.measures: list[Accumulator | WindowParts] = [_of(measure, window, zone) for measure in window.measures]
        self.oldest: int | None = None
        """The oldest pane that holds something: when it leaves, the key evaluates."""
        self.oldest_hour: int | None = None
        """The oldest pane that measures of whole hours hold; it leaves unnoticed."""
        self.newest_hour: int | None = None
        """The newest pane that they hold: when it is over, the key evaluates."""
        self.by_hand: list[list[Any]] = []
        """[position, pane, values, time] of each reading in it that a person entered, in the order of the log."""
        self.others: WindowState | None = None
        """The window without those; None while there are none."""

    def add_by_hand(
        self, window: Window, reading: tuple[int, int, Mapping[str, Any], int], *, head: int, zone: tzinfo
    ) -> int:
        """Take in a reading that may be taken back; returns what found no room, as :meth:`add` does."""
        position, pane, values, at_us = reading
        if self.others is None:
            self.others = self.copy(window, zone)
        full = self.add(window, pane, values, at_us, head=head)
        self.by_hand.append([position, pane, dict(values), at_us])
        if len(self.by_hand) > BY_HAND_MAX:
            _, pane, values, at_us = self.by_hand.pop(0)
            full += 1 + self.others.add(window, pane, values, at_us, head=head)
        return full

    def do_without(self, window: Window, gone: AbstractSet[int], *, head: int, zone: tzinfo) -> bool | None:
        """Make the panes anew without some readings; false: nothing is left in them, None: it holds none of these."""
        self.roll(window, head)
        rest = [item for item in self.by_hand if item[0] not in gone]
        if len(rest) == len(self.by_hand) or self.others is None:
            return None
        made = self.others.copy(window, zone)
        for _, pane, values, at_us in rest:
            made.add(window, pane, values, at_us, head=head)
        self.measures, self.oldest = made.measures, made.oldest
        self.oldest_hour, self.newest_hour = made.oldest_hour, made.newest_hour
        self.by_hand = rest
        if not rest:
            self.others = None
        return self.oldest is not None or self.oldest_hour is not None

    def copy(self, window: Window, zone: tzinfo) -> WindowState:
        """Return the panes once more, as a snapshot would bring them back."""
        panes = [self.oldest, self.oldest_hour, self.newest_hour, [known.pack() for known in self.measures]]
        return WindowState(window, zone).unpack(orjson.loads(orjson.dumps(panes)))

    def add(self, window: Window, pane: int, values: Mapping[str, Any], at_us: int, *, head: int) -> int:
        """Take an event into its pane; returns how many measures had no room for one more value of `per`."""
        full = 0
        taken = hourly = False
        gone = pane <= head - window.panes
        for measure, known in zip(window.measures, self.measures, strict=True):
            whole = measure.aggregate in HOURLY
            if gone and not whole:
                continue  # only whole hours look that far back
            if measure.where is not None and not _chosen(measure, values):
                continue
            if type(known) is WindowParts:
                part = values.get(measure.per or "")
                if part is None:
                    continue
                added = known.add(str(part), pane, values, at_us)
                full += added is None
            else:
                added = known.add(pane, values, at_us)  # type: ignore[call-arg]
            if added:
                taken, hourly = taken or not whole, hourly or whole
        if taken and (self.oldest is None or pane < self.oldest):
            self.oldest = pane
        if hourly:
            self.oldest_hour = pane if self.oldest_hour is None else min(pane, self.oldest_hour)
            self.newest_hour = pane if self.newest_hour is None else max(pane, self.newest_hour)
        return full

    def roll(self, window: Window, head: int) -> None:
        """Let the panes leave that are no longer among the window's when ``head`` is the newest."""
        below = head - window.panes + 1
        if self.others is not None:
            self.others.roll(window, head)
            self.by_hand = [item for item in self.by_hand if item[1] >= below - window.back]
            if not self.by_hand:
                self.others = None
        if self.oldest is not None and self.oldest < below:
            self.oldest = self._drop(window, below, whole=False)
        if self.oldest_hour is not None and self.oldest_hour < below - HOURS_BACK:
            self.oldest_hour = self._drop(window, below - HOURS_BACK, whole=True)
            self.newest_hour = self.newest_hour if self.oldest_hour is not None else None

    def _drop(self, window: Window, below: int, *, whole: bool) -> int | None:
        """Drop panes of the measures of whole hours, or of the others; return their oldest that is left."""
        oldest: int | None = None
        for measure, known in zip(window.measures, self.measures, strict=True):
            if (measure.aggregate in HOURLY) is not whole:
                continue
            known.drop(below)
            pane = known.oldest()
            if pane is not None:
                oldest = pane if oldest is None else min(pane, oldest)
        return oldest

    def values(self, window: Window, head: int) -> dict[str, Any]:
        """Return the measures that have data, by name."""
        found: dict[str, Any] = {}
        for measure, known in zip(window.measures, self.measures, strict=True):
            value = known.value(head)
            if value is not None:
                found[measure.name] = value
        return found

    def told(self, window: Window, head: int) -> dict[str, Any]:
        """Return what evidence shows of the first measure that has a value in each pane, bounded.

        `pane_of` mean, sum or count, `panes` oldest first (empty ones left out); of a measure taken apart also
        `parts`, the largest first, and `part`: the one that its largest or smallest is of, whose panes they then are.
        """
        for measure, known in zip(window.measures, self.measures, strict=True):
            if type(known) is WindowParts:
                said, one = known.told(head)
                said["per"] = measure.per
            else:
                said, one = {}, known  # type: ignore[assignment]
            said |= {} if one is None else _panes_of(one, measure, window, head)
            if said:
                return {"measure": measure.name, **said}
        return {}

    def due_us(self, window: Window, head_us: int) -> int | None:
        """Return when the oldest pane that holds something leaves, or an hour that holds something is over."""
        leaves_us = None if self.oldest is None else (self.oldest + window.panes) * window.pane_us
        if self.newest_hour is not None:
            over_us = (self.newest_hour + 1) * window.pane_us
            if over_us > head_us and (leaves_us is None or over_us < leaves_us):
                return over_us
        return leaves_us

    def pack(self) -> Any:
        """Return it for a snapshot."""
        panes = [self.oldest, self.oldest_hour, self.newest_hour, [known.pack() for known in self.measures]]
        return panes if self.others is None else [*panes, self.by_hand, self.others.pack()]

    def unpack(self, packed: Any) -> WindowState:
        """Take back what :meth:`pack` gave."""
        self.oldest, self.oldest_hour, self.newest_hour = packed[:3]
        for known, one in zip(self.measures, packed[3], strict=True):
            known.unpack(one)
        return self


def _of(measure: Measure, window: Window, zone: tzinfo) -> Accumulator | WindowParts:
    if measure.per is None:
        return accumulator(measure, panes=window.panes, zone=zone)
    assert measure.take is not None, "the loader asks for `take` beside `per`"
    return WindowParts(measure.take, lambda: accumulator(measure, panes=window.panes, zone=zone))


def _panes_of(known: Accumulator, measure: Measure, window: Window, head: int) -> dict[str, Any]:
    if isinstance(known, Count):
        counts = [{"at_us": cell.pane * window.pane_us, "v": cell.n} for cell in known.cells]
        return {"pane_of": "count", "panes": counts}
    if not isinstance(known, Stats) or isinstance(known, Energy):
        return {}
    summed = measure.aggregate in SUMMED
    newest = head - 1 if measure.aggregate in HOURLY else head
    values = known.sums(newest, window.panes) if summed else known.means(newest, window.panes)
    panes = [
        {"at_us": cell.pane * window.pane_us, "v": values[newest - cell.pane]}
        for cell in known.cells
        if 0 <= newest - cell.pane < window.panes
    ]
    return {"pane_of": "sum" if summed else "mean", "panes": panes}


def _chosen(measure: Measure, values: Mapping[str, Any]) -> bool:
    assert measure.where is not None, "asked only of a measure that chooses"
    try:
        return measure.where(values) is True
    except EvaluationError:
        return False


def pane_width_us(over_us: int, aggregates: frozenset[str], *, percentile: bool) -> int | None:
    """Return how wide a pane is for a window of ``over_us``; None where no width divides it."""
    if aggregates & HOURLY:
        return 3_600_000_000 if over_us == 12 * 3_600_000_000 and not aggregates & DAILY else None
    most = PANES_PERCENTILE_MAX if percentile else PANES_DISTINCT_MAX if "distinct" in aggregates else PANES_MAX
    if aggregates & DAILY:
        day_us = 86_400_000_000
        return day_us if over_us % day_us == 0 and over_us // day_us <= most else None
    for width_s in WIDTHS_S:
        width_us = width_s * 1_000_000
        if over_us % width_us == 0 and over_us // width_us <= most:
            return width_us
    return None
