"""The kinds of rules by name. A threshold needs nothing beside its levels, so it has none."""

from __future__ import annotations

from collections.abc import Mapping

from ioc.rules.kinds import Kind
from ioc.rules.watch import Watch
from ioc.rules.watch_absence import AbsenceWatch
from ioc.rules.watch_change import ChangeWatch
from ioc.rules.watch_correlate import CorrelateWatch
from ioc.rules.watch_near import NearWatch
from ioc.rules.watch_sequence import SequenceWatch
from ioc.rules.watch_window import WindowWatch
from ioc.rules.watch_zone import ZoneWatch

WATCHES: Mapping[Kind, Watch] = {
    Kind.WINDOW: WindowWatch(),
    Kind.CHANGE: ChangeWatch(),
    Kind.ABSENCE: AbsenceWatch(),
    Kind.SEQUENCE: SequenceWatch(),
    Kind.NEAR: NearWatch(),
    Kind.ZONE: ZoneWatch(),
    Kind.CORRELATE: CorrelateWatch(),
}
