"""The row of an alert, and what each move of its condition makes of it (pure).

Its fields are the columns of the table: what the store writes and reads, and what `ioc verify alerts` holds against
the log, follows from them. A new column is a field here and its line in :func:`row_after`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from ioc.domain.alert import Condition, Transition, TransitionKind
from ioc.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class AlertRow:
    """The columns of the table `alert`, all but the number, which says only how many opened before on that day."""

    id: str
    rule: str
    key: str
    condition: str
    severity: str
    severity_rank: int
    peak_severity: str
    title: Mapping[str, str]
    summary: Mapping[str, str]
    domain: str
    feed: str
    device: str | None
    area: str | None
    zone: str | None
    lat: float | None
    lon: float | None
    opened_at: datetime
    opened_position: int
    changed_at: datetime
    cleared_at: datetime | None
    log_time: datetime
    flap_count: int
    retrospective: bool
    restricted: bool
    reason: str
    transitions: int
    rule_version: int
    rule_hash: str
    position: int
    ends: str
    """`condition` or `person`: who ends it, by the form of its rule that made the newest move."""
    acknowledge_due: datetime | None
    """Until when somebody must have it, and until when its outcome must be told, from its newest opening on."""
    resolve_due: datetime | None


def row_after(before: AlertRow | None, made: Transition) -> AlertRow:
    """Return the row of an alert after a move; ``before`` is None for the one that opens it.

    What the opening said of rule, key and place stays, also where the device has moved since.
    """
    if before is None:
        before = _blank(made)
    cleared = made.kind is TransitionKind.CLEARED
    higher = made.severity.rank > Severity(before.peak_severity).rank
    return replace(
        before,
        condition=str(Condition.CLEARED if cleared else Condition.FIRING),
        severity=str(made.severity),
        severity_rank=made.severity.rank,
        peak_severity=str(made.severity) if higher else before.peak_severity,
        title=asdict(made.title),
        summary=asdict(made.summary),
        changed_at=made.at,
        cleared_at=made.at if cleared else None,
        log_time=made.log_time,
        flap_count=made.flap_count,
        # An end that comes late does not make the alert one that came too late.
        retrospective=before.retrospective if cleared else made.retrospective,
        reason=made.reason,
        transitions=before.transitions + 1,
        rule_version=made.rule_version,
        rule_hash=made.rule_hash,
        position=made.position,
        ends="person" if made.ends_by_person else "condition",
        # Only a move that opens or reopens sets a new time.
        acknowledge_due=made.acknowledge_due or before.acknowledge_due,
        resolve_due=made.resolve_due or before.resolve_due,
    )


def _blank(made: Transition) -> AlertRow:
    """Return what the move that opens an alert says once for all, with every other column still empty."""
    return AlertRow(
        id=made.alert_id, rule=made.rule, key=made.key, condition="", severity="", severity_rank=0,
        peak_severity=str(made.severity), title={}, summary={}, domain=made.domain, feed=made.feed,
        device=made.device, area=made.area, zone=made.zone, lat=made.lat, lon=made.lon, opened_at=made.at,
        opened_position=made.opened_position, changed_at=made.at, cleared_at=None, log_time=made.log_time,
        flap_count=0, retrospective=made.retrospective, restricted=made.restricted, reason="", transitions=0,
        rule_version=0, rule_hash="", position=0, ends="", acknowledge_due=None, resolve_due=None,
    )  # fmt: skip
