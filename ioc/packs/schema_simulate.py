"""The strict frame of a feed's `simulate:`: what its devices, or its source, say on an ordinary day of the demo."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ioc.packs.schema import Duration, Latitude, Longitude, Name, Slug, Strict

CHOICES_MAX = 60
POINTS_MAX = 60
Scalar = bool | int | float | str
Hour = Annotated[float, Field(ge=0, lt=24)]
Span = Annotated[tuple[float, float], Field(strict=False)]
Factor = Annotated[float, Field(ge=0, le=10)]


class FieldPlay(Strict):
    """What one field says: exactly one of its forms.

    `range` wanders between two numbers: near the second at the `peaks` (hours of the day, each `width` hours wide),
    near the first away from them, times `weekend` on Saturdays and Sundays and times `summer` at midsummer.
    `ramp` rises from the first to the second over the year. `turn`: one after the other; `each`: one for each device.
    `percent: [a, b]` is a of b, `share: [a, b]` is b per cent of a, `minus` a - b.
    """

    value: Scalar | None = None
    turn: Annotated[tuple[Scalar, ...] | None, Field(strict=False, min_length=1, max_length=CHOICES_MAX)] = None
    each: Annotated[tuple[Scalar, ...] | None, Field(strict=False, min_length=1, max_length=CHOICES_MAX)] = None
    range: Span | None = None
    ramp: Span | None = None
    percent: Annotated[tuple[Name, Name] | None, Field(strict=False)] = None
    share: Annotated[tuple[Name, Name] | None, Field(strict=False)] = None
    minus: Annotated[tuple[Name, Name] | None, Field(strict=False)] = None
    peaks: Annotated[tuple[Hour, ...], Field(strict=False, max_length=4)] = ()
    width: Annotated[float, Field(gt=0, le=12)] = 2.5
    weekend: Factor = 1.0
    summer: Factor = 1.0

    @model_validator(mode="after")
    def check_form(self) -> Self:
        """One form, and only a range has hours and seasons."""
        forms = [name for name in FORMS if getattr(self, name) is not None]
        if len(forms) != 1:
            raise ValueError(f"one of {', '.join(FORMS)}")
        shaped = self.peaks or self.weekend != 1.0 or self.summer != 1.0
        if shaped and forms != ["range"]:
            raise ValueError("only a range has peaks, weekend and summer")
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError("the range is upside down")
        return self

    def parts(self) -> tuple[str, ...]:
        """Return the fields that it is made of."""
        return self.percent or self.share or self.minus or ()

    def numbers(self) -> tuple[float, ...]:
        """Return the numbers that it may say."""
        said = [self.value, *(self.turn or ()), *(self.each or ()), *(self.range or ()), *(self.ramp or ())]
        return tuple(float(item) for item in said if isinstance(item, int | float) and not isinstance(item, bool))


FORMS = ("value", "turn", "each", "range", "ramp", "percent", "share", "minus")


class FeedPlay(Strict):
    """How a feed is played: how often, by whom where the pack has no device of it, along which way, and its fields."""

    every: Duration = "20s"
    source: Slug | None = None
    path: Annotated[
        tuple[Annotated[tuple[Latitude, Longitude], Field(strict=False)], ...],
        Field(strict=False, max_length=POINTS_MAX),
    ] = ()
    fields: dict[Name, FieldPlay] = Field(min_length=1)

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """What a field is made of stands above it."""
        known: set[str] = set()
        for name, play in self.fields.items():
            for part in play.parts():
                if part not in known:
                    raise ValueError(f"`{name}` is made of `{part}`, which does not stand above it")
            known.add(name)
        return self

    def plain(self) -> dict[str, Any]:
        """Return it as JSON, without what is not said."""
        return self.model_dump(mode="json", exclude_defaults=True)
