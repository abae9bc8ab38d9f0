"""News of alerts are written once in five seconds each, the last value always, and a few hundred a second in all."""

from __future__ import annotations

from ioc.domain.alert import AlertNow
from ioc.rules.fold.now_updates import EVERY_SECONDS, PER_SECOND_MAX, NewsDesk
from tests.unit.rules.state.test_now import Fold
from tests.unit.rules.test_engine import World, world  # noqa: F401 - a fixture

HELD = {"clear": {"when": "value < 1"}}


def desk_of(fold: Fold, seconds: float = 0.0) -> NewsDesk:
    desk = NewsDesk()
    desk.begin(fold.memory, seconds)
    return desk


def values(rows: list[AlertNow]) -> list[float | None]:
    return [row.now.value for row in rows if row.now is not None]


def take(desk: NewsDesk, fold: Fold, seconds: float) -> list[float | None]:
    moves, fold.moves = fold.moves, []
    return values(desk.take(fold.rules, fold.memory, moves, seconds=seconds))


def test_a_transition_is_written_at_once_and_readings_once_in_five_seconds_the_last_one_always():
    fold = Fold()
    fold.rule(clear={"when": "value < 1"})
    desk = desk_of(fold)
    fold.send(10, value=20.0)
    assert take(desk, fold, 0.0) == [20.0]
    for second in range(1, 4):
        fold.send(10 + second, value=20.0 + second)
        assert not desk.is_due(float(second))
        assert take(desk, fold, float(second)) == []
    assert desk.is_due(EVERY_SECONDS)
    assert take(desk, fold, EVERY_SECONDS) == [23.0]
    assert not desk.is_due(60.0), "nothing has changed since"
    fold.send(20, value=30.0)
    fold.send(21, value=0.5)
    assert take(desk, fold, 5.5) == [0.5], "what ends is written at once"
    assert desk.waiting == 0


def test_many_alerts_at_once_take_their_turns_and_a_take_over_writes_all_open_ones_anew():
    fold = Fold()
    fold.rule(clear={"when": "value < 1"})
    count = 2 * PER_SECOND_MAX + 7
    for number in range(count):
        fold.send(10, device=f"m-{number}", value=20.0)
    fold.moves = []
    desk = desk_of(fold)
    taken = [len(desk.take(fold.rules, fold.memory, seconds=seconds)) for seconds in (0.0, 0.5, 1.0, 1.5, 2.0)]
    assert taken == [PER_SECOND_MAX, PER_SECOND_MAX // 2, PER_SECOND_MAX // 2, 7, 0]
    assert not desk.is_due(9.0)


def test_an_alert_whose_key_is_forgotten_with_its_end_still_tells_how_it_ended():
    fold = Fold()
    fold.rule(clear={"when": "value < 1"})
    desk = desk_of(fold)
    fold.send(10, value=20.0)
    fold.send(20, value=30.0)
    fold.rule(30, enabled=False)
    [row] = desk.take(fold.rules, fold.memory, fold.moves, seconds=0.0)
    assert row.now is not None
    assert row.peak is not None
    assert (row.now.value, row.peak.value) == (30.0, 30.0)


async def test_the_engine_writes_news_with_its_commits_or_by_itself_and_anew_after_a_take_over(world: World):  # noqa: F811
    """No reading comes after the last one: what waits is written all the same, within the time between two writes."""
    world.put_rule(clear={"when": "value < 1"})
    world.send(20)
    engine = world.engine(seconds=20)
    world.script.at[1.0] = lambda: world.send(21)
    world.script.at[2.0] = lambda: world.send(22)
    await world.run(engine)
    told = values(world.rows.nows)
    assert told[0] == 20
    assert told[-1] == 22
    assert len(told) < 4, "the one between them was overtaken"
    before = len(world.rows.nows)
    await world.run(world.engine(seconds=20))
    assert values(world.rows.nows[before:]) == [22]
    assert world.kinds() == ["opened"], "no transition comes of it"
