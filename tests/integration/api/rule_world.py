"""A small pack with rules, applied to a real PostgreSQL, and how a test edits them as an administrator does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from ioc.packs.pack import Pack, RawRule, content_hash
from ioc.packs.problem import Findings
from ioc.packs.source import parse_yaml
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.rules.pack_apply import PackReport, PackStore
from tests.integration.api import conftest
from tests.integration.api.conftest import NOW, World, open_world

RAIN = """\
# Rain of a day.
rule: rain.24h
title: {vi: "Mưa rất to", en: "Heavy rain"}
domain: disaster
feed: rainfall
levels:
  - severity: high
    when: 'rain_24h_mm > 100.0'
    limit: {value: 100, unit: mm, source: "QĐ 18/2021", verified: false}
summary: {vi: "Mưa {rain_24h_mm}", en: "Rain {rain_24h_mm}"}
"""
SPEED = (
    RAIN.replace("rain.24h", "car.speed").replace("rain_24h_mm", "speed_kmh").replace("rainfall", "camera_detection")
)
WHY = {"why": "Đập mở cửa xả sớm hơn"}


def pack_with(*texts: str) -> Pack:
    return replace(conftest.make_pack(), rules=tuple(raw(text) for text in texts))


def raw(text: str) -> RawRule:
    source = parse_yaml(text, name="rule.yaml", findings=Findings())
    assert source is not None
    body = source.value
    return RawRule(body["rule"], f"rules/{body['rule']}.yaml", 1, body, text, content_hash(body))


@dataclass
class RuleWorld:
    """The running API, and what is asked of it."""

    world: World
    client: httpx2.AsyncClient

    async def apply(self, *texts: str) -> PackReport:
        return await PackStore(self.world.database, EventLog(self.world.database)).apply(pack_with(*texts), NOW)

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.world.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

    async def rule(self, name: str = "rain.24h") -> dict[str, Any]:
        answer = await self.client.get(f"/api/v1/rules/{name}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        return dict(answer.json())

    async def history(self, name: str = "rain.24h") -> list[dict[str, Any]]:
        answer = await self.client.get(f"/api/v1/rules/{name}/history")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, version: int | None = None
    ) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self.client.request(method, f"/api/v1/rules{path}", json=body, headers=headers)

    async def do(self, method: str, path: str, body: Mapping[str, Any], *, version: int) -> dict[str, Any]:
        answer = await self.ask(method, path, body, version=version)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def entries(self) -> list[tuple[str, Any]]:
        """Return what the log says of rules: (id, value)."""
        rows = await self.rows("SELECT subject, data FROM event WHERE kind = 'rule' ORDER BY position")
        return [(row["subject"], row["data"]) for row in rows]


@asynccontextmanager
async def open_rules(dsn: str, *texts: str, who: str = "root") -> AsyncIterator[RuleWorld]:
    async with open_world(dsn) as world:
        await ensure_partitions(world.database, NOW)
        async with world.signed_in(who) as client:
            found = RuleWorld(world, client)
            await found.apply(*(texts or (RAIN, SPEED)))
            yield found
