"""An alert's headline: what, where, how things are now, how bad they were. It changes with every new reading.

One that is over says instead how bad it was and for how long.

At most 120 characters: what is least needed goes first, nothing is cut in the middle while anything else can go.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ioc.domain.alert import Limit
from ioc.domain.feed import Label
from ioc.rules.language.amounts import amount_text, clock_text, duration_text, is_difference, unit_of
from ioc.rules.language.rule import SECOND_US, Level, Rule, Worse
from ioc.rules.state.alert_state import Now

LENGTH_MAX = 120
STRONGEST = Label("mạnh nhất", "strongest")
"""Of a difference: `mạnh nhất giảm 6.208 m³/s`."""
JOINT = " · "
PEAKS = {
    Worse.UP: Label("cao nhất", "highest"), Worse.DOWN: Label("thấp nhất", "lowest"),
    Worse.OUTSIDE: Label("xa ngưỡng nhất", "worst"),
}  # fmt: skip


def shorten(text: str) -> str:
    """Return ``text`` within the bound, cut at a word."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(text) <= LENGTH_MAX:
        return text
    head = text[: LENGTH_MAX - 1]
    return f"{head.rsplit(' ', 1)[0].rstrip(' ,;.·')}…"


def fitting(*choices: Sequence[str], joint: str = JOINT) -> str:
    """Return the first choice of parts that fits when joined; the last one shortened where none does."""
    text = ""
    for parts in choices:
        text = unicodedata.normalize("NFC", joint.join(part for part in parts if part))
        if len(text) <= LENGTH_MAX:
            return text
    return shorten(text)


def headline(rule: Rule, level: Level, now: Now | None, *, where: str, text: str, vi: bool) -> str:
    """Return title · place · now · peak; ``text`` is what is told of now."""
    title = rule.title.vi if vi else rule.title.en
    if now is None:
        return fitting([title, where], [title])
    peak = peak_text(rule, level, now, beside_us=now.time_us, vi=vi)
    brief = text.split(", ", 1)[0]
    # At its peak the distance to the next level says more than the word for the peak.
    full, told = [title, where, text, peak], [title, where, text] if _at_peak(now) else [title, where, brief, peak]
    return fitting(full, told, [where, text, peak], [where, brief, peak], [title, brief, peak], [brief, peak])


def closing_headline(
    rule: Rule, level: Level, now: Now | None, *, where: str, lasted_us: int, at_us: int, vi: bool
) -> str:
    """Return title · place · peak · how long it was, of an alert that was over at ``at_us``."""
    title = rule.title.vi if vi else rule.title.en
    peak = "" if now is None else peak_text(rule, level, now, beside_us=at_us, vi=vi, over=True)
    if lasted_us < SECOND_US:
        over = "đã hết" if vi else "over"
    else:
        over = f"{'đã hết sau' if vi else 'over after'} {duration_text(lasted_us, vi=vi)}"
    return fitting([title, where, peak, over], [title, peak, over], [title, where, over], [title, over])


def peak_word(rule: Rule) -> Label | None:
    """Return which way the worst value of a rule's main measure is one; None where nobody knows what is worse."""
    main = rule.main
    if main is None or main.worse is Worse.UNKNOWN:
        return None
    return STRONGEST if is_difference(rule, main.name) else PEAKS[main.worse]


def peak_text(rule: Rule, level: Level, now: Now, *, beside_us: int, vi: bool, over: bool = False) -> str:
    """Return the peak with its time: `cao nhất 189,5 mm lúc 14:05`; empty where there is none.

    While it goes on and the newest value is the peak, it is not said twice: `cao nhất đến nay`.
    """
    main, label = rule.main, peak_word(rule)
    if now.peak is None or main is None or label is None:
        return ""
    unit = unit_of(rule, level, main.name, now.peak_us)
    told = amount_text(rule, main.name, now.peak, unit, vi=vi)
    word = label.vi if vi else label.en
    if _at_peak(now) and not over:
        return f"{word} {'đến nay' if vi else 'so far'}"
    return f"{word} {told} {'lúc' if vi else 'at'} {clock_text(rule, now.peak_us, beside_us=beside_us)}"


def _at_peak(now: Now) -> bool:
    return now.peak == now.value


def now_text(rule: Rule, level: Level, now: Now, *, vi: bool, over: bool = False) -> str:
    """Return how things are now: `189,5 mm`, `22,98 m, trên BĐ II 0,12 m`, `tín hiệu cuối lúc 14:05 23/11`.

    ``over``: of an alert that is over it is how things were last.
    """
    main = rule.main
    if rule.spec.asks_registry:
        return f"{'tín hiệu cuối lúc' if vi else 'last heard'} {clock_text(rule, now.time_us, beside_us=0)}"
    if main is None or now.value is None or isinstance(now.value, bool):
        if now.holds:
            return "còn tiếp diễn" if vi else "still so"
        if over:
            return "đã dừng" if vi else "stopped"
        return "đã dừng, chờ xác nhận hết" if vi else "stopped, not over yet"
    unit = unit_of(rule, level, main.name, now.time_us)
    told = amount_text(rule, main.name, now.value, unit, vi=vi)
    beside = _beside(rule, now, unit, vi=vi)
    return f"{told}, {beside}" if beside else told


def _beside(rule: Rule, now: Now, unit: str, *, vi: bool) -> str:
    """Return where the value lies among the limits of the levels, where that says more than the value alone."""
    main, value = rule.main, now.value
    assert main is not None, "asked of a value of the main measure"
    assert value is not None, "asked of a value that is known"
    if not main.limited or is_difference(rule, main.name):
        return ""
    if main.worse is Worse.OUTSIDE:
        return "" if now.holds or main.is_worse(value, main.low) else ("đã trong giới hạn" if vi else "within bounds")
    found = [rule.limit_of(level, now.time_us) for level in rule.levels if level.measure == main.name]
    # In the order in which a value that gets worse passes them.
    limits = sorted((limit for limit in found if limit is not None), key=lambda limit: limit.value)
    limits = limits[::-1] if main.worse is Worse.DOWN else limits
    passed = sum(main.is_worse(value, limit.value) for limit in limits)
    if limits and rule.fields[main.name].display_unit:
        return _distance(rule, limits, passed, value, unit, vi=vi)
    if not limits or passed or now.holds or not limits[0].value:
        return ""
    back = (("đã dưới ngưỡng", "now below"), ("đã trên ngưỡng", "now above"))[main.worse is Worse.DOWN]
    if value == limits[0].value:
        back = ("bằng ngưỡng", "at the limit of")
    return f"{back[0 if vi else 1]} {amount_text(rule, main.name, limits[0].value, unit, vi=vi)}"


def _distance(rule: Rule, limits: Sequence[Limit], passed: int, value: float, unit: str, *, vi: bool) -> str:
    """Return how far it is to the next level, or how far beyond the last one: `trên BĐ II 0,12 m`."""
    main = rule.main
    assert main is not None, "asked of a value of the main measure"
    limit = limits[min(passed, len(limits) - 1)]
    gap = amount_text(rule, main.name, abs(value - limit.value), unit, vi=vi)
    told = amount_text(rule, main.name, limit.value, unit, vi=vi)
    if not vi:
        return f"{gap} {'above' if value >= limit.value else 'below'} {told if limit.name is None else limit.name.en}"
    name = f"mức {told}" if limit.name is None else limit.name.vi
    if 0 < passed < len(limits):
        return f"còn {gap} tới {name}"
    return f"{'trên' if value >= limit.value else 'dưới'} {name}{' là' if limit.name is None else ''} {gap}"
