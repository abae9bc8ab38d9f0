"""What people type into the cells of a device: read as they mean it, or refused with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ioc.domain.device import DEVICE_CLASS, DEVICE_ID, RESERVED_IDS, DeviceState
from ioc.domain.places.location import LAT_MAX, LON_MAX
from ioc.domain.search import words_of
from ioc.sheets.cells import shown
from ioc.sheets.readers import CellError, as_text, yes

PERIOD_SECONDS_MAX = 31 * 86_400
NAME_CHARS_MAX = 200
DEGREES = re.compile(r"-?\d{1,3}(?:[.,]\d{1,15})?")
"""A comma is a decimal sign, too: no coordinate has thousands."""
SECONDS = re.compile(r"\d{1,9}")
STATES: Mapping[str, DeviceState] = {
    **{str(state): state for state in DeviceState},
    "dang dung": DeviceState.ACTIVE, "bao tri": DeviceState.MAINTENANCE, "da ngung dung": DeviceState.RETIRED,
    "ngung dung": DeviceState.RETIRED,
}  # fmt: skip


def device_id(value: object) -> str:
    """Return the id of a device."""
    text = as_text(value)
    if not DEVICE_ID.fullmatch(text):
        raise CellError("bad_id", f"'{shown(text)}' không phải mã: viết chữ thường không dấu, số, và . _ - (tối đa 64)",
                        f"'{shown(text)}' is no id: small letters, digits and . _ - (at most 64)")  # fmt: skip
    if text in RESERVED_IDS:
        raise CellError("reserved_id", f"mã '{text}' đã dành riêng: chọn mã khác",
                        f"the id '{text}' is reserved: choose another")  # fmt: skip
    return text


def slug(value: object) -> str:
    """Return the id of a unit, or a class of devices."""
    text = as_text(value)
    if not DEVICE_CLASS.fullmatch(text):
        raise CellError("bad_code", f"'{shown(text)}' không phải mã: viết chữ thường không dấu, số và dấu gạch ngang",
                        f"'{shown(text)}' is no code: small letters, digits and hyphens")  # fmt: skip
    return text


def name(value: object) -> str:
    """Return a name."""
    text = as_text(value)
    if not text:
        raise CellError("unseen", "không có chữ nào nhìn thấy được", "nothing of it can be seen")
    if len(text) > NAME_CHARS_MAX:
        raise CellError("too_long", f"dài {len(text)} ký tự, tối đa {NAME_CHARS_MAX}: rút ngắn lại",
                        f"{len(text)} characters, at most {NAME_CHARS_MAX}: shorten it")  # fmt: skip
    return text


def degrees(most: float) -> Callable[[object], float]:
    """Return what reads degrees from minus ``most`` to ``most``."""

    def read(value: object) -> float:
        text = as_text(value)
        number = float(text.replace(",", ".")) if DEGREES.fullmatch(text) else None
        if isinstance(value, float | int) and not isinstance(value, bool):
            number = float(value)
        if number is None or not -most <= number <= most:
            said, low, high = shown(text), f"{-most:g}", f"{most:g}"
            raise CellError("bad_degrees", f"'{said}' không phải số độ từ {low} đến {high}, như 20,8172",
                            f"'{said}' is no number of degrees from {low} to {high}, such as 20.8172")  # fmt: skip
        return number

    return read


def seconds(value: object) -> int:
    """Return a period in seconds."""
    text = as_text(value)
    number = int(text) if SECONDS.fullmatch(text) else 0
    if not 1 <= number <= PERIOD_SECONDS_MAX:
        raise CellError("bad_period", f"'{shown(text)}' không phải số giây nguyên từ 1 đến {PERIOD_SECONDS_MAX}",
                        f"'{shown(text)}' is no whole number of seconds from 1 to {PERIOD_SECONDS_MAX}")  # fmt: skip
    return number


def state(value: object) -> DeviceState:
    """Return a state of the registry."""
    found = STATES.get(" ".join(words_of(as_text(value))))
    if found is None:
        raise CellError("bad_state", f"'{shown(value)}': viết đang dùng, bảo trì hoặc đã ngừng dùng",
                        f"'{shown(value)}': write active, maintenance or retired")  # fmt: skip
    return found


READERS: Mapping[str, Callable[[object], Any]] = {
    "id": device_id, "feed": as_text, "name_vi": name, "name_en": name, "area": as_text, "lat": degrees(LAT_MAX),
    "lon": degrees(LON_MAX), "parent": as_text, "owner": slug, "place": name, "expected_period_seconds": seconds,
    "critical": yes, "gateway": yes, "device_class": slug, "state": state,
}  # fmt: skip
"""What reads the cells of each column; raises :class:`CellError`."""
