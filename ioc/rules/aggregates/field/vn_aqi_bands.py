"""The six bands of VN_AQI: name, official colour, and what they mean for people's health."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ioc.domain.feed import Label


class Advice(StrEnum):
    """What the health advice of a band is about; the screens' texts hang on it."""

    FREE = "free"
    """Nobody is affected; be outside as you like."""
    WATCH_SENSITIVE = "watch_sensitive"
    """Sensitive people watch for symptoms."""
    REDUCE_SENSITIVE = "reduce_sensitive"
    """Sensitive people have health effects; others hardly any."""
    REDUCE_ALL = "reduce_all"
    """Everybody begins to have health effects; sensitive people more serious ones."""
    WARNING = "warning"
    """A health warning: everybody is affected more seriously."""
    EMERGENCY = "emergency"
    """An emergency warning: the whole population is seriously affected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One row of Bảng 1 and of Bảng 4."""

    lowest: int
    highest: int
    label: Label
    colour: Label
    rgb: tuple[int, int, int]
    """The official colour, as printed."""
    advice: Advice
    health: Label
    """Vietnamese as in Bảng 4, without its misprints; English is our translation."""

    @property
    def colour_hex(self) -> str:
        """Return the official colour as screens write it, `#RRGGBB`."""
        return "#{:02X}{:02X}{:02X}".format(*self.rgb)


SENSITIVE = Label(
    vi="người già, trẻ em, người mắc bệnh hô hấp, tim mạch",
    en="older people, children, people with respiratory or heart disease",
)
"""Nhóm nhạy cảm, as Bảng 4 lists it."""
BANDS = (
    Band(
        lowest=0,
        highest=50,
        label=Label(vi="Tốt", en="Good"),
        colour=Label(vi="Xanh", en="Green"),
        rgb=(0, 228, 0),
        advice=Advice.FREE,
        health=Label(
            vi="Chất lượng không khí tốt, không ảnh hưởng tới sức khỏe.",
            en="Air quality is good and does not affect health.",
        ),
    ),
    Band(
        lowest=51,
        highest=100,
        label=Label(vi="Trung bình", en="Moderate"),
        colour=Label(vi="Vàng", en="Yellow"),
        rgb=(255, 255, 0),
        advice=Advice.WATCH_SENSITIVE,
        health=Label(
            vi="Chất lượng không khí ở mức chấp nhận được. Tuy nhiên, những người nhạy cảm có thể chịu những tác động "
            "nhất định tới sức khỏe.",
            en="Air quality is acceptable. Sensitive people may still feel some effects on their health.",
        ),
    ),
    Band(
        lowest=101,
        highest=150,
        label=Label(vi="Kém", en="Poor"),
        colour=Label(vi="Da cam", en="Orange"),
        rgb=(255, 126, 0),
        advice=Advice.REDUCE_SENSITIVE,
        health=Label(
            vi="Những người nhạy cảm gặp phải các vấn đề về sức khỏe, những người bình thường ít ảnh hưởng.",
            en="Sensitive people have health problems; others are hardly affected.",
        ),
    ),
    Band(
        lowest=151,
        highest=200,
        label=Label(vi="Xấu", en="Bad"),
        colour=Label(vi="Đỏ", en="Red"),
        rgb=(255, 0, 0),
        advice=Advice.REDUCE_ALL,
        health=Label(
            vi="Những người bình thường bắt đầu có các ảnh hưởng tới sức khỏe, nhóm người nhạy cảm có thể gặp những "
            "vấn đề sức khỏe nghiêm trọng hơn.",
            en="Everybody begins to feel effects on health; sensitive people may have more serious problems.",
        ),
    ),
    Band(
        lowest=201,
        highest=300,
        label=Label(vi="Rất xấu", en="Very bad"),
        colour=Label(vi="Tím", en="Purple"),
        rgb=(143, 63, 151),
        advice=Advice.WARNING,
        health=Label(
            vi="Cảnh báo ảnh hưởng tới sức khỏe: mọi người bị ảnh hưởng tới sức khỏe nghiêm trọng hơn.",
            en="Health warning: everybody's health is affected more seriously.",
        ),
    ),
    Band(
        lowest=301,
        highest=500,
        label=Label(vi="Nguy hại", en="Hazardous"),
        colour=Label(vi="Nâu", en="Brown"),
        rgb=(126, 0, 35),
        advice=Advice.EMERGENCY,
        health=Label(
            vi="Cảnh báo khẩn cấp về sức khỏe: toàn bộ dân số bị ảnh hưởng tới sức khỏe tới mức nghiêm trọng.",
            en="Emergency health warning: the whole population's health is seriously affected.",
        ),
    ),
)


def band_of(index: int) -> Band:
    """Return the band of a VN_AQI, 0 to 500.

    Source: QĐ 1459/QĐ-TCMT, Bảng 1 and Bảng 4 (`vn_aqi.SOURCE`).

    Raises:
        ValueError: outside 0 to 500, which no VN_AQI is.
    """
    for band in BANDS:
        if band.lowest <= index <= band.highest:
            return band
    raise ValueError(f"{index} is no VN_AQI")
