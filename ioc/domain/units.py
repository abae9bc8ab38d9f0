"""Units as people say them: which are told in another unit, and the words for counted things in English."""

from __future__ import annotations

from collections.abc import Mapping

CONVERSIONS: Mapping[tuple[str, str], tuple[float, int]] = {("cm", "m"): (0.01, 2), ("mm", "cm"): (0.1, 1)}
"""From a feed's unit to the one in which people are told: factor and decimals."""
WORDS: Mapping[str, tuple[str, str]] = {
    "báo cáo": ("report", "reports"), "bóng": ("lamp", "lamps"), "ca": ("case", "cases"),
    "cửa": ("gate", "gates"), "điểm": ("point", "points"), "điểm %": ("% point", "% points"), "giờ": ("h", "h"),
    "hồ sơ": ("dossier", "dossiers"), "khách hàng": ("customer", "customers"), "lần": ("time", "times"),
    "lần/kỳ đo": ("time/period", "times/period"), "lần đo": ("reading", "readings"), "lượt": ("time", "times"),
    "máy": ("host", "hosts"), "ngày": ("day", "days"), "người": ("person", "people"),
    "nhiệm vụ": ("task", "tasks"), "phản ánh": ("report", "reports"), "phút": ("min", "min"),
    "thiên tai": ("hazard", "hazards"), "thiết bị": ("device", "devices"), "trường": ("school", "schools"),
    "xe": ("vehicle", "vehicles"),
}  # fmt: skip
"""English words, one and several, for units that are Vietnamese words."""


BEFORE: Mapping[str, str] = {"cấp": "level", "VN_AQI": "VN_AQI", "pH": "pH", "P": "P"}
"""Units that stand before their number, with their English word: `cấp 2`, `level 2`."""


def display_amount(value: float, unit: str, display_unit: str) -> tuple[float, int] | None:
    """Return (value, decimals) in the unit that people are told; None where it is told as it is."""
    conversion = CONVERSIONS.get((unit, display_unit))
    return None if conversion is None else (value * conversion[0], conversion[1])


def with_unit(number: str, unit: str, value: float, *, vi: bool) -> str:
    """Return a number as it is written and its unit, as each language says them."""
    if unit in BEFORE:
        return f"{unit if vi else BEFORE[unit]} {number}"
    words = None if vi else WORDS.get(unit)
    said = unit if words is None else words[abs(value) != 1]
    return f"{number}{'' if unit == '%' else ' '}{said}".strip()
