"""Backtests over the API: asked for, run by the keeper's host in a real process, seen on the stream, walled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest

from ioc.api.stream.sse_events import FrameReader
from ioc.assembly.context import open_context
from ioc.backtests.host import BacktestHost
from ioc.runtime.clock import SteppedLogClock
from ioc.settings import Settings
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.scope import Scope
from ioc.store.rules import backtests
from tests.builders import message
from tests.integration.api.conftest import NOW
from tests.integration.api.rule_world import RAIN, RuleWorld, open_rules

TO_50 = RAIN.replace("100.0", "50.0")
SPAN = {"from": "2026-11-22T00:00:00+07:00", "to": "2026-11-30T00:00:00+07:00"}


@pytest.fixture
async def rules(database_dsn: str) -> AsyncIterator[RuleWorld]:
    async with open_rules(database_dsn) as opened:
        yield opened


async def rain(rules: RuleWorld, *values: float) -> None:
    """One reading a minute; then it is ten past."""
    for number, value in enumerate(values):
        moment = NOW + timedelta(minutes=number)
        reading = message("rain-1", id=str(number), time=moment, data={"rain_24h_mm": value}, area="04795")
        await EventLog(rules.world.database).append([reading], moment)
    clock = rules.world.state.context.clock
    assert isinstance(clock, SteppedLogClock)
    clock.step_to(NOW + timedelta(minutes=10))


async def work(rules: RuleWorld, tmp_path) -> None:
    """Let the keeper's host run what waits."""
    settings = Settings(data_dir=tmp_path, database_url=rules.world.database.dsn, log_level="warning")
    async with open_context(settings, "keeper", connections_max=3) as context:
        host = BacktestHost(context)
        while await host.turn():
            pass


async def test_a_draft_is_tried_beside_the_form_in_force(rules: RuleWorld, tmp_path):
    await rain(rules, 10.0, 70.0, 80.0, 120.0, 10.0)
    answer = await rules.client.post("/api/v1/rules/rain.24h/backtest", json={"yaml": TO_50, **SPAN})
    assert answer.status_code == 202, answer.text
    asked = answer.json()
    assert answer.headers["location"] == f"/api/v1/backtests/{asked['id']}"
    assert (asked["state"], asked["version"], asked["result"]) == ("queued", None, None)
    assert asked["to"] == "2026-11-23T13:10:00.000Z", "not after now"
    await work(rules, tmp_path)
    found = (await rules.client.get(answer.headers["location"])).json()
    assert (found["state"], found["reason"]) == ("done", None)
    assert found["progress"]["fraction"] == 1.0
    result = found["result"]
    assert (result["candidate"]["opened"], result["candidate"]["firing_seconds"]) == (1, 180.0)
    assert (result["present"]["opened"], result["present"]["firing_seconds"]) == (1, 60.0)
    assert result["present"]["version"] == 1
    (alert,) = result["candidate"]["alerts"]
    assert (alert["key"], alert["values"], alert["area"]) == ("rain-1", {"rain_24h_mm": 70.0}, "04795")
    assert [day["day"] for day in result["candidate"]["days"]] == ["2026-11-22", "2026-11-23"]
    (listed,) = (await rules.client.get("/api/v1/rules/rain.24h/backtests")).json()["items"]
    assert listed == {name: value for name, value in found.items() if name != "result"}
    states = await rules.rows("SELECT data ->> 'state' AS state FROM change WHERE kind = 'backtest' ORDER BY position")
    assert states[0]["state"] == "queued"
    assert states[-1]["state"] == "done"
    lines = await rules.rows("SELECT actor, action, object FROM audit WHERE action LIKE 'backtest.%'")
    assert lines == [{"actor": "root", "action": "backtest.ask", "object": asked["id"]}]


async def test_the_stream_says_how_far_one_is(rules: RuleWorld):
    """Everybody's stream has the bare noun: rule, state and progress, and nothing of what was found."""
    asked = (await rules.client.post("/api/v1/rules/rain.24h/backtest", json=SPAN)).json()
    database, now = rules.world.database, rules.world.state.context.wall.now()
    await backtests.claim(database, now)
    assert await backtests.beat(database, asked["id"], done=50, total=200, events_per_second=7.25, now=now)
    frames = await FrameReader(rules.world.state.context, rules.world.state.areas).read(after=0)
    told = [orjson.loads(frame.whole.split(b"data: ")[1]) for frame in frames if frame.kind == "backtest"]
    assert [item["state"] for item in told] == ["queued", "running", "running"]
    assert told[-1] == {
        "id": asked["id"], "version": 2, "rule": "rain.24h", "state": "running",
        "progress": {"done": 50, "total": 200, "fraction": 0.25, "events_per_second": 7.2},
    }  # fmt: skip
    assert frames[-1].for_reader(Scope(areas=frozenset()), masked=True) == frames[-1].whole


async def test_the_form_in_force_is_tried_alone_and_a_new_rule_needs_its_text(rules: RuleWorld, tmp_path):
    await rain(rules, 10.0, 120.0)
    answer = await rules.client.post("/api/v1/rules/rain.24h/backtest", json=SPAN)
    assert (answer.status_code, answer.json()["version"]) == (202, 1)
    unknown = await rules.client.post("/api/v1/rules/site.rain/backtest", json=SPAN)
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "no such rule: send its text as `yaml`")
    text = RAIN.replace("rain.24h", "site.rain")
    new = await rules.client.post("/api/v1/rules/site.rain/backtest", json={"yaml": text, **SPAN})
    assert new.status_code == 202
    await work(rules, tmp_path)
    for identifier in (answer.json()["id"], new.json()["id"]):
        result = (await rules.client.get(f"/api/v1/backtests/{identifier}")).json()["result"]
        assert (result["candidate"]["opened"], result["present"]) == (1, None)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"from": "yesterday"}, "invalid_input", "from"),
        ({"from": "2026-11-29T00:00:00Z"}, "invalid_input", "from"),
        ({"from": "1990-01-01T00:00:00Z"}, "invalid_input", "from"),
        ({"yaml": TO_50.replace("rain_24h_mm > 50.0", "rain_24 > 50.0")}, "invalid_rule", "yaml"),
        ({"yaml": TO_50.replace("rain.24h", "other")}, "invalid_rule", "yaml"),
        ({"why": "x"}, "invalid_input", "why"),
    ],
)
async def test_what_cannot_be_tried_is_said_with_its_place(rules: RuleWorld, changes, code, field):
    answer = await rules.client.post("/api/v1/rules/rain.24h/backtest", json={**SPAN, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["field"] == field
    if code == "invalid_rule":
        assert answer.json()["problems"][0]["line"] > 1
        assert answer.json()["problems"][0]["hint"]


async def test_cancelling_one_that_waits_and_one_that_has_ended(rules: RuleWorld):
    asked = (await rules.client.post("/api/v1/rules/rain.24h/backtest", json=SPAN)).json()
    cancelled = await rules.client.post(f"/api/v1/backtests/{asked['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = await rules.client.post(f"/api/v1/backtests/{asked['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "forbidden_transition")
    assert (await rules.client.post("/api/v1/backtests/bt_none/cancel")).status_code == 404
    assert (await rules.client.get("/api/v1/backtests/bt_none")).status_code == 404


async def test_the_queue_is_bounded_and_the_list_has_pages(rules: RuleWorld):
    made = [(await rules.client.post("/api/v1/rules/rain.24h/backtest", json=SPAN)).json()["id"] for _ in range(8)]
    full = await rules.client.post("/api/v1/rules/rain.24h/backtest", json=SPAN)
    assert (full.status_code, full.headers["retry-after"]) == (429, "60")
    seen: list[str] = []
    query: str | None = "?limit=3"
    while query is not None:
        page = (await rules.client.get(f"/api/v1/rules/rain.24h/backtests{query}")).json()
        seen += [item["id"] for item in page["items"]]
        query = f"?limit=3&cursor={page['next']}" if page["next"] else None
    assert sorted(seen) == sorted(made)
    assert len(seen) == 8


async def test_people_with_an_area_see_none_and_ask_for_none(rules: RuleWorld):
    """A backtest holds evidence of every area."""
    asked = (await rules.client.post("/api/v1/rules/rain.24h/backtest", json=SPAN)).json()
    for name, status in (("walled", 404), ("walled-admin", 404), ("op", 200), ("view", 200)):
        async with rules.world.signed_in(name) as client:
            assert (await client.get(f"/api/v1/backtests/{asked['id']}")).status_code == status
            listed = (await client.get("/api/v1/rules/rain.24h/backtests")).json()["items"]
            assert len(listed) == (status == 200)
            assert (await client.post("/api/v1/rules/rain.24h/backtest", json=SPAN)).status_code == 403
            assert (await client.post(f"/api/v1/backtests/{asked['id']}/cancel")).status_code == 403
