"""Numbers, durations, times and units as people say them, in both languages. Vietnamese writes 1.502 and 20,3."""

from __future__ import annotations

from ioc.domain.feed import FieldSpec
from ioc.domain.units import display_amount, with_unit
from ioc.rules.language.rule import SECOND_US, Level, Rule, from_us

MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60, 3_600, 86_400
DIFFERENCES = frozenset({"delta", "rate"})


def number_text(value: float, *, digits: int, vi: bool) -> str:
    """Return a number with at most ``digits`` decimals (trailing zeros off) and grouped thousands."""
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text == "-0":
        text = "0"
    return text.translate(str.maketrans(",.", ".,")) if vi else text


def decimals(value: float) -> int:
    """Return how many decimals a threshold is written with, at most three."""
    text = f"{value:.3f}".rstrip("0")
    return len(text) - text.index(".") - 1


def duration_text(held_us: int, *, vi: bool) -> str:
    """Return a duration in its two largest units."""
    seconds = max(held_us // SECOND_US, 0)
    steps = (
        (DAY_SECONDS, "ngày", "d"),
        (HOUR_SECONDS, "giờ", "h"),
        (MINUTE_SECONDS, "phút", "min"),
        (1, "giây", "s"),
    )
    parts: list[str] = []
    for number, (size, word_vi, word_en) in enumerate(steps):
        count, rest = divmod(seconds, size)
        if count or (size == 1 and not parts):
            parts.append(f"{count} {word_vi if vi else word_en}")
            if rest and number + 1 < len(steps):
                size_next, next_vi, next_en = steps[number + 1]
                if rest >= size_next:
                    parts.append(f"{rest // size_next} {next_vi if vi else next_en}")
            break
    return " ".join(parts)


def clock_text(rule: Rule, at_us: int, *, beside_us: int) -> str:
    """Return the time of day in the city, with the day where it is another than that of ``beside_us``."""
    moment = from_us(at_us).astimezone(rule.zone)
    same_day = moment.date() == from_us(beside_us).astimezone(rule.zone).date()
    return moment.strftime("%H:%M" if same_day else "%H:%M %d/%m")


def is_difference(rule: Rule, name: str) -> bool:
    """Tell whether a measure is a difference, which people are told as a rise or a fall."""
    return any(one.name == name and one.aggregate in DIFFERENCES for one in rule.spec.own_measures)


def difference_text(rule: Rule, name: str, value: float, *, digits: int, vi: bool) -> str:
    """Return a difference in words: `giảm 6.208`, `tăng 12`; a rate that rises is a plain number."""
    text = number_text(abs(value), digits=digits, vi=vi)
    falls = value < 0 and text != "0"
    rate = any(one.name == name and one.aggregate == "rate" for one in rule.spec.own_measures)
    if text == "0" or (rate and not falls):
        return text
    word = ("giảm" if vi else "down") if falls else ("tăng" if vi else "up")
    return f"{word} {text}"


def unit_of(rule: Rule, level: Level, name: str, at_us: int) -> str:
    """Return the unit of a level's measure: that of its limit where the limit is of this measure, else the feed's."""
    limit = rule.limit_of(level, at_us)
    main = rule.main
    if limit is not None and limit.unit and main is not None and main.name == name and main.limited:
        return limit.unit
    return rule.fields[name].unit


def amount_text(rule: Rule, name: str, value: float, unit: str, *, vi: bool) -> str:
    """Return a value with its unit, in the one that people use: `189,5 mm`, `22,98 m`, `giảm 6.208 m³/s`."""
    spec: FieldSpec = rule.fields[name]
    digits = 0 if isinstance(value, int) else spec.digits
    if is_difference(rule, name):
        return with_unit(difference_text(rule, name, value, digits=digits, vi=vi), unit, value, vi=vi)
    shown = display_amount(value, unit, spec.display_unit)
    if shown is not None:
        return f"{number_text(shown[0], digits=shown[1], vi=vi)} {spec.display_unit}"
    return with_unit(number_text(value, digits=digits, vi=vi), unit, value, vi=vi)
