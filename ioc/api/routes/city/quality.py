"""The quality of data: each feed's and each source's account over the last day or the last month."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api.auth import READERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.filters import QualityFilters, SourceQualityFilters, check_values, many
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers import quality as quality_json
from ioc.api.serializers.models.quality import QualityModel, SourceQualityPageModel
from ioc.api.wall.caller import Caller
from ioc.domain.quality import COMPLETE_GOOD, WORST_FIRST, Grade, completeness
from ioc.store.quality import reader

router = APIRouter(prefix="/quality", tags=["quality"])
WORST = [str(one) for one in WORST_FIRST]


@router.get("", summary="The quality of each feed", **responses_of(QualityModel))
async def feed_quality(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[QualityFilters, Query()]
) -> Response:
    """Return the account of each feed over its sources inside the caller's wall, the worst first."""
    context, scope = state.context, caller.within(filters.area, filters.zone)
    feeds = context.pack.feeds
    async with context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        span = await reader.read_span(connection, reader.QualityWindow(filters.window), context.clock.now())
        rows = await reader.list_sources(connection, span, scope, feeds=feeds, limit=reader.SOURCES_MAX + 1)
        sparks = await reader.feed_sparks(connection, span, scope, feeds=feeds)
    truncated = len(rows) > reader.SOURCES_MAX
    by_feed: dict[str, list[reader.Row]] = {name: [] for name in feeds if name not in scope.hidden_feeds}
    for row in rows[: reader.SOURCES_MAX]:
        by_feed.setdefault(row["feed"], []).append(row)
    items = [_feed(name, of_feed, span, sparks.get(name, {}), state) for name, of_feed in by_feed.items()]
    items.sort(key=_worst_first)
    told = quality_json.window(span, filters.window)
    return responses.json_response({**told, "truncated": truncated, "items": items})


def _feed(
    name: str, rows: list[reader.Row], span: reader.QualitySpan, cells: quality_json.Spark, state: APIState
) -> nouns.JSONObject:
    spec = state.context.pack.feeds.get(name)
    parts = [completeness(row["covered"] or 0.0, row["expected"] or 0.0) for row in rows]
    known = [part for part in parts if part is not None]
    return {
        "feed": name or None,
        "label": None if spec is None else nouns.label(spec.label),
        "domain": None if spec is None else spec.domain,
        **quality_json.counts(rows),
        "devices": sum(row["state"] == "active" for row in rows),
        "incomplete": sum(part < COMPLETE_GOOD for part in known),
        "silent": sum(part == 0.0 for part in known),
        "spark": quality_json.spark(span, cells),
    }


def _worst_first(item: nouns.JSONObject) -> tuple[int, float, int, str]:
    complete = item["completeness"]
    is_idle = item["grade"] == Grade.UNKNOWN
    return (
        WORST.index(item["grade"]),
        1.0 if is_idle or complete is None else complete,
        -item["refused"],
        str(item["feed"]),
    )


@router.get("/sources", summary="The quality of each source", **responses_of(SourceQualityPageModel))
async def source_quality(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[SourceQualityFilters, Query()]
) -> Response:
    """Return the account of each source inside the caller's wall, the least complete or most refused first."""
    check_values(filters, state.context.pack)
    context, scope = state.context, caller.within(filters.area, filters.zone)
    keys = responses.cursor_keys("quality-sources", filters, (int, str, str))
    feeds = context.pack.feeds
    async with context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        span = await reader.read_span(connection, reader.QualityWindow(filters.window), context.clock.now())
        rows = await reader.list_sources(
            connection, span, scope, feeds=feeds, chosen=many(filters.feed), device=filters.device,
            after=(keys[0], keys[1], keys[2]) if keys else None, limit=filters.limit + 1,
        )  # fmt: skip
        shown = rows[: filters.limit]
        devices = [row["device"] for row in shown if row["device"]]
        sparks = await reader.source_sparks(connection, span, scope, feeds=feeds, devices=devices)
    following = responses.next_cursor("quality-sources", filters, rows, ("permille", "feed", "device"))
    items = [
        # Of what a device sent under another feed than its own nothing is expected.
        quality_json.source(row, span, {} if row["expected"] is None else sparks.get(row["device"], {}))
        for row in shown
    ]
    return responses.json_response({**quality_json.window(span, filters.window), "items": items, "next": following})
