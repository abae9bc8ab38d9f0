"""How well alerts are handled, and how noisy their rules are."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from ioc.api.auth import READERS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.filters import Filters, Moment
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers.contacts import place_name
from ioc.api.serializers.models.alerts import PerformanceModel
from ioc.api.serializers.nouns import JSONObject, moment
from ioc.api.wall.caller import Caller
from ioc.errors import InvalidInputError
from ioc.performance.figures import AlertFact, Handling, Times, grouped, handling, load
from ioc.performance.targets import SOURCE, VERIFIED, Measured, measured
from ioc.store.alerts import performance as reader

router = APIRouter(prefix="/performance", tags=["alerts"])
SPAN_DEFAULT, SPAN_MAX = timedelta(days=7), timedelta(days=92)
GROUPS_MAX = 500
HOUR = timedelta(hours=1)


class PerformanceFilters(Filters):
    """Of which time, by what, and where."""

    since: Annotated[Moment | None, Field(alias="from")] = None
    until: Annotated[Moment | None, Field(alias="to")] = None
    by: Literal["rule", "domain", "area", "severity"] = "rule"

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return from when until when: the seven days before now unless it is said; nothing lies ahead of now.

        Raises:
            InvalidInputError: it ends before it begins, or is longer than 92 days.
        """
        until = min(self.until or now, now)
        since = self.since or until - SPAN_DEFAULT
        if since >= until:
            raise InvalidInputError("`from` must lie before `to`, and before now", field="from")
        if until - since > SPAN_MAX:
            raise InvalidInputError(f"at most {SPAN_MAX.days} days at once", field="from")
        return since, until


@router.get("", summary="How well alerts are handled", **responses_of(PerformanceModel))
async def performance(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[PerformanceFilters, Query()]
) -> Response:
    """Return MTTA, MTTR, noise and load of the alerts that opened in a span of time, inside the caller's wall."""
    context, scope, now = state.context, caller.within(filters.area, filters.zone), state.context.clock.now()
    since, until = filters.span(now)
    async with context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        facts = await reader.list_facts(connection, since, until, scope, limit=reader.ALERTS_MAX + 1)
        slots = await reader.count_announcements(connection, since, until, scope)
    truncated, facts = len(facts) > reader.ALERTS_MAX, facts[: reader.ALERTS_MAX]
    whole, asked = handling(facts, now), load(facts, slots, since, until)
    items = [
        {"id": name, "label": _label(filters.by, name, of_it, caller), **_handling(handling(of_it, now))}
        for name, of_it in list(grouped(facts, filters.by).items())[:GROUPS_MAX]
    ]
    return responses.json_response({
        "since": moment(since),
        "until": moment(until),
        "alerts_max": reader.ALERTS_MAX,
        "truncated": truncated,
        "source": SOURCE,
        "verified": VERIFIED,
        "handling": _handling(whole),
        "figures": [_figure(one) for one in measured(asked, whole)],
        "most_at": moment(asked.most_at),
        "severity_shares": {str(name): round(part, 4) for name, part in asked.severity_shares.items()},
        "hours": _hours(slots, since, until),
        "items": items,
    })  # fmt: skip


def _label(by: str, name: str | None, facts: Sequence[AlertFact], caller: Caller) -> JSONObject | None:
    if by == "rule":
        return dict(facts[0].title)
    return place_name(name, caller.book, caller.today) if by == "area" and name is not None else None


def _hours(slots: Mapping[datetime, int], since: datetime, until: datetime) -> list[int]:
    found = [0] * max(1, -(-(until - since) // HOUR))
    for start, number in slots.items():
        found[(start - since) // HOUR] += number
    return found


def _times(of: Times) -> JSONObject:
    return {"count": of.count, "mean_seconds": of.mean, "median_seconds": of.median, "p95_seconds": of.p95}


def _handling(of: Handling) -> JSONObject:
    share = of.false_share
    return {
        "alerts": of.alerts,
        "announcements": of.announcements,
        "retrospective": of.retrospective,
        "received": _times(of.received),
        "handled": _times(of.handled),
        "waiting": of.waiting,
        "returned_unreceived": of.returned_unreceived,
        "false_alarms": of.false_alarms,
        "false_share": None if share is None else round(share, 4),
        "returned": of.returned,
        "chattering": of.chattering,
        "fleeting": of.fleeting,
        "stale": of.stale,
    }


def _figure(one: Measured) -> JSONObject:
    return {
        "name": str(one.name),
        "value": None if one.value is None else round(one.value, 4),
        "target": one.target.good,
        "manageable": one.target.manageable,
        "verdict": str(one.verdict),
    }
