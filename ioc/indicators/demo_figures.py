"""The figures that a demo begins with: a plan, what was reached of it period by period, and the year before."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ioc.domain.indicators.indicator import MONTHS_IN_YEAR, Indicator, Period, PeriodKind
from ioc.errors import InvalidInputError
from ioc.indicators.check import FigureRow
from ioc.indicators.standing import PERCENT_UNIT

FILE_BYTES_MAX = 1 << 18
Name = Annotated[str, Field(min_length=1, max_length=64)]


class DemoFigure(BaseModel):
    """One indicator: its plan of a period, what was reached of it in the year's periods, and its growth in a year."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    plan: float = Field(gt=0)
    reached: list[Annotated[float, Field(ge=0, le=10)]] = Field(min_length=1, max_length=MONTHS_IN_YEAR)
    growth: float = Field(gt=-100, lt=1_000)
    """In percent; in points where the figure itself is one of percent."""


class DemoFigures(BaseModel):
    """The file: who sends the sheet, who approves it, and its figures by the indicator's code."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sent_by: Name
    approved_by: Name
    figures: dict[Name, DemoFigure] = Field(min_length=1)

    def rows(self, indicators: Mapping[str, Indicator], today: date) -> list[FigureRow]:
        """Return the rows of the sheet: the periods of the newest year that are over, with those of the year before.

        An indicator that the pack has no more is left out.
        """
        known = [(indicators[code], figure) for code, figure in self.figures.items() if code in indicators]
        return [
            FigureRow(number, indicator.code, period, plan, actual, {})
            for number, (indicator, period, plan, actual) in enumerate(
                ((indicator, *cells) for indicator, figure in known for cells in _cells(indicator, figure, today)),
                start=1,
            )
        ]


def load_demo_figures(path: Path) -> DemoFigures:
    """Read the file.

    Raises:
        InvalidInputError: it cannot be read or says something else; the message names the place.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > FILE_BYTES_MAX:
            raise InvalidInputError(f"{path}: longer than {FILE_BYTES_MAX} bytes", field="demo")
        return DemoFigures.model_validate(yaml.safe_load(unicodedata.normalize("NFC", raw.decode("utf-8"))))
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}", field="demo") from error
    except ValidationError as error:
        found = error.errors()[0]
        place = ".".join(str(part) for part in found["loc"])
        raise InvalidInputError(f"{path}: {place}: {found['msg']}", field="demo") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInputError(f"{path}: {error}", field="demo") from error


def _cells(
    indicator: Indicator, figure: DemoFigure, today: date
) -> Iterator[tuple[Period, float | None, float | None]]:
    """Yield period, plan and actual, oldest first; of the year before the actual alone, of the whole year the plan."""
    newest = Period.holding(indicator.period_kind, today).previous
    year = list(newest.of_year_so_far())
    actual = {one: figure.plan * figure.reached[(one.number - 1) % len(figure.reached)] for one in year}
    in_points = indicator.unit == PERCENT_UNIT
    for one in year:
        before = actual[one] - figure.growth if in_points else actual[one] / (1 + figure.growth / 100)
        yield one.a_year_before, None, round(before, indicator.digits)
    for one in year:
        yield one, figure.plan, round(actual[one], indicator.digits)
    if indicator.accumulates:
        yield Period(PeriodKind.YEAR, newest.year), figure.plan * len(list(newest.of_year())), None
