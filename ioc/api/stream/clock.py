"""The clock of one wall: the time, and what hinders, as the stream tells them each second."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ioc.api.context import APIContext
from ioc.api.stream.sse_events import sse
from ioc.domain.moment import format_time
from ioc.domain.roster.mode import ModeDeclaration
from ioc.domain.roster.state import DUTY, RosterState
from ioc.store.postgres.scope import Scope


def clock_frame(
    told: Mapping[str, Any], scope: Scope, counts: Sequence[Any], roster: RosterState, context: APIContext
) -> bytes:
    """Return the clock of one wall: the counts are of the devices inside it only, and so is who has nobody on duty."""
    seen = [row for row in counts if scope.sees(area=row["area"], zone=row["zone"], feed=row["feed"])]
    devices = {"online": sum(row["online"] for row in seen), "total": sum(row["total"] for row in seen)}
    unstaffed = [DUTY] if roster.unstaffed_inside(scope) else []
    stale = {kind: format_time(silence.since) for kind, silence in context.roles.silent.items() if silence.stale}
    changed = roster.changed_at
    body = {
        **told,
        "devices": devices,
        "trouble": sorted([*context.board.current(), *unstaffed]),
        "stale": stale,
        "duty_mode": None if roster.mode is None else _mode(roster.mode),
        "roster_changed_at": None if changed is None else format_time(changed),
    }
    return sse("clock", orjson.dumps(body))


def _mode(mode: ModeDeclaration) -> dict[str, Any]:
    until = None if mode.ends_at is None else format_time(mode.ends_at)
    return {"mode": str(mode.mode), "level": mode.level, "decision": mode.decision, "until": until}
