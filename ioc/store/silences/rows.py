"""The row of a silence, and telling of the alerts that it hides or lets appear again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ioc.domain.severity import Severity
from ioc.domain.silences.silence import MATCHERS, Silence, SilencePlan
from ioc.store.alerts.reader import MAY_BE_OPEN, OPEN, WORK_COMPUTED, WORK_OF
from ioc.store.alerts.silenced import fitting
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.scope import Where
from ioc.store.postgres.statement import columns_of, upsert

Row = Mapping[str, Any]
OF_PLAN = columns_of(SilencePlan)
OWN = tuple(name for name in columns_of(Silence) if name != "plan")
WRITE = upsert("silence", (*OWN, *OF_PLAN, "severity_rank_max"), key="id")


def plan_of(values: Row) -> SilencePlan:
    """Return the plan of a row, or of what :func:`stand_of` kept."""
    many: dict[str, Any] = {name: tuple(values[name]) for name in MATCHERS}
    moments: dict[str, Any] = {name: values[name] for name in ("starts_at", "ends_at")}
    moments = {name: datetime.fromisoformat(one) if isinstance(one, str) else one for name, one in moments.items()}
    active = values["active"]
    return SilencePlan(
        **moments, **many, reason=values["reason"], severity_max=Severity(values["severity_max"]),
        active=None if active is None else dict(active),
    )  # fmt: skip


def stand_of(silence: Silence) -> dict[str, Any]:
    """Return how a silence stands, as a person may bring it back: its plan, and whether it was over."""
    plan = asdict(silence.plan)
    plan |= {name: list(plan[name]) for name in MATCHERS}
    plan |= {name: plan[name].isoformat() for name in ("starts_at", "ends_at")}
    return {**plan, "severity_max": str(silence.plan.severity_max), "over": silence.due_at is None}


def silence_of(row: Row) -> Silence:
    """Return the silence of a row of its table."""
    return Silence(plan=plan_of(row), **{name: row[name] for name in OWN})


async def write_silence(connection: Connection, silence: Silence) -> None:
    """Write a silence, in place of what it was."""
    plan = silence.plan
    values = {name: getattr(silence, name) for name in OWN} | {name: getattr(plan, name) for name in OF_PLAN}
    values |= {name: list(getattr(plan, name)) for name in MATCHERS}
    values |= {"severity_max": str(plan.severity_max), "severity_rank_max": plan.severity_max.rank}
    await connection.execute(*WRITE(**values))


async def tell_silence(connection: Connection, made: Silence, old: Silence | None, now: datetime) -> None:
    """Tell of a silence, and of each open alert that is under it now or was; call it last in a transaction."""
    # The change feed is locked by the first change: what opened before is found, what opens later is told as it is.
    await append_changes(
        connection, [ChangeRecord(kind="silence", id=made.id, log_time=now, version=made.version)]
    )  # fmt: skip
    running = [one.plan for one in (made, old) if one is not None and one.running_until is not None]
    alerts = await _open_under(connection, running) if running else []
    if alerts:
        await append_changes(connection, [ChangeRecord(kind="alert", log_time=now, **alert) for alert in alerts])


async def _open_under(connection: Connection, plans: Sequence[SilencePlan]) -> list[Row]:
    found: dict[str, Row] = {}
    for plan in plans:
        where = fitting(Where().add(MAY_BE_OPEN).add(OPEN), plan)
        rows = await connection.fetch(
            f"SELECT a.id, a.area, a.zone, a.restricted, {WORK_COMPUTED['version']} AS version "  # noqa: S608 - own text
            f"FROM alert a {WORK_OF} WHERE {where.sql} ORDER BY a.id",
            *where.arguments,
        )
        found |= {row["id"]: row for row in rows}
    return [found[name] for name in sorted(found)]
