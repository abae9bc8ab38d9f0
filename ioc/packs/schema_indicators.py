"""The strict frame of `indicators.yaml`: what agencies plan and report by month, quarter or year."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from ioc.domain.feed import FeedSpec, FieldType, Label, OnConflict
from ioc.domain.indicators.indicator import STANDARD_FIELDS, Agency, Direction, Indicator, PeriodKind
from ioc.packs.schema import LabelText, Name, Slug, Strict
from ioc.packs.schema_feed import NUMERIC, Bounds, FeedEntry

INDICATORS_MAX = 400
COLUMNS_MAX = 20
"""Fields of one feed beside the standard ones: columns of the sheet."""
RESERVED = frozenset({"import", "imports", "template", "export"})
"""Codes that would stand where the API has something else."""
TEXTS, NUMBERS = ("indicator", "period"), ("actual",)
"""Fields that every figure is told in; plan, actual_pct, plan_pct, yoy_pct and agency where the feed has them."""
IndicatorCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class IndicatorEntry(Strict):
    """One indicator. ``due_days`` after the end of a period its figure is late; ``accumulates``: periods add up."""

    code: IndicatorCode
    label: LabelText
    unit: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    domain: Name
    agency: Slug
    feed: Name | None = None
    period: Annotated[PeriodKind, Field(strict=False)]
    direction: Annotated[Direction, Field(strict=False)] = Direction.MORE
    accumulates: bool = False
    digits: int = Field(default=1, ge=0, le=4)
    possible: Bounds = (None, None)
    due_days: int = Field(default=15, ge=1, le=180)
    area: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] | None = None

    @model_validator(mode="after")
    def check_frame(self) -> Self:
        """Its code is free, its range is not upside down."""
        if self.code in RESERVED:
            raise ValueError(f"`{self.code}` cannot be a code")
        low, high = self.possible
        if low is not None and high is not None and low > high:
            raise ValueError("the possible range is upside down")
        return self

    def indicator(
        self, feed: FeedSpec, agency: Agency, *, zones: frozenset[str], zone_of: Mapping[str, str]
    ) -> Indicator:
        """Return the indicator, told in ``feed`` by ``agency``; ``zone_of`` has the zone of each unit."""
        area = None if self.area is None or self.area in zones else self.area
        own = [spec for spec in feed.fields.values() if spec.name not in STANDARD_FIELDS]
        return Indicator(
            code=self.code,
            label=Label(vi=self.label.vi, en=self.label.en),
            unit=self.unit,
            domain=self.domain,
            agency=agency,
            feed=feed.id,
            period_kind=self.period,
            direction=self.direction,
            accumulates=self.accumulates,
            digits=self.digits,
            possible_min=_narrowest(self.possible[0], feed.fields["actual"].possible_min, max),
            possible_max=_narrowest(self.possible[1], feed.fields["actual"].possible_max, min),
            due_days=self.due_days,
            area=area,
            zone=zone_of.get(area) if area is not None else self.area,
            columns=tuple(own[:COLUMNS_MAX]),
        )


class IndicatorsEntry(Strict):
    """The file `indicators.yaml`; ``feed`` is where figures are told that name no other, ``late_feed`` who is late."""

    feed: Name
    late_feed: Name | None = None
    indicators: list[IndicatorEntry] = Field(min_length=1, max_length=INDICATORS_MAX)


def late_feed_fault(feed: FeedEntry | None) -> str | None:
    """Return why a feed cannot tell who is late, None if it can."""
    if feed is None:
        return "is not there"
    if feed.device_required or feed.on_conflict is not OnConflict.REVISE:
        return "must say device_required: false and on_conflict: revise"
    wanted = {"report": FieldType.TEXT, "agency": FieldType.TEXT, "submitted": FieldType.BOOLEAN}
    lacking = [name for name, kind in wanted.items() if name not in feed.fields or feed.fields[name].type is not kind]
    if lacking or "overdue_days" not in feed.fields or feed.fields["overdue_days"].type not in NUMERIC:
        return "needs report and agency (text), overdue_days (number) and submitted (boolean)"
    return None


def _narrowest(one: float | None, other: float | None, choose: Callable[[float, float], float]) -> float | None:
    """Return the narrower of an indicator's bound and its feed's: what the feed does not take, nobody may enter."""
    return choose(one, other) if one is not None and other is not None else one if one is not None else other


def feed_fault(feed: FeedEntry | None) -> str | None:
    """Return why a feed cannot tell figures, None if it can."""
    if feed is None:
        return "is not there"
    if feed.device_required or feed.on_conflict is not OnConflict.REVISE or feed.restricted:
        return "must say device_required: false and on_conflict: revise, and not be restricted"
    for name in (*TEXTS, *NUMBERS):
        types = NUMERIC if name in NUMBERS else {FieldType.TEXT}
        if name not in feed.fields or feed.fields[name].type not in types:
            return f"lacks the field {name}, of the type {' or '.join(sorted(types))}"
    own = [entry for name, entry in feed.fields.items() if name not in STANDARD_FIELDS]
    if len(own) > COLUMNS_MAX or any(entry.type not in {*NUMERIC, FieldType.TEXT} for entry in own):
        return f"has, beside the standard fields, more than {COLUMNS_MAX} or one that is neither number nor text"
    if any(entry.personal or entry.required for entry in own):
        return "has, beside the standard fields, one that is personal or required"
    return None
