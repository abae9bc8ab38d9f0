"""The columns of a sheet of figures: what each is called in both languages."""

from __future__ import annotations

from collections.abc import Iterable

from ioc.domain.feed import Label
from ioc.domain.indicators.indicator import Indicator
from ioc.sheets.table import Column

CODE = Column("indicator", Label("Mã chỉ tiêu", "Indicator code"), needed=True, width=26)
NAME = Column("name", Label("Tên chỉ tiêu", "Indicator"), width=56)
UNIT = Column("unit", Label("Đơn vị tính", "Unit"))
AGENCY = Column("agency", Label("Cơ quan báo cáo", "Agency"), width=34)
PERIOD = Column("period", Label("Kỳ", "Period"), needed=True, width=12)
PLAN = Column("plan", Label("Kế hoạch", "Plan"), numeric=True)
ACTUAL = Column("actual", Label("Thực hiện", "Actual"), numeric=True)
GIVEN = frozenset({"indicator", "name", "unit", "agency"})
"""What the template itself says of each indicator: a row in which nobody has written anything more says nothing."""
FIXED = (CODE, NAME, UNIT, AGENCY, PERIOD, PLAN, ACTUAL)


def columns_of(indicators: Iterable[Indicator]) -> tuple[Column, ...]:
    """Return the columns of a sheet of these indicators: the fixed ones, then what their feeds have beside them."""
    own: dict[str, Column] = {}
    for indicator in indicators:
        for spec in indicator.columns:
            own.setdefault(spec.name, Column(spec.name, spec.label, spec=spec))
    return (*FIXED, *own.values())
