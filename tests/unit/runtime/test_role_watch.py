"""Who watches the roles: three seconds are trouble, five make the data stale; only the watcher's own clock counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.runtime.role_watch import RoleBeat, RoleWatch

BEGAN = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
REQUIRED = frozenset({"rules", "rollup", "keeper", "door", "door-2"})


class City:
    """Roles that beat once a second, looked at twice a second."""

    def __init__(self, *roles: str, required: frozenset[str] = REQUIRED) -> None:
        self.watch = RoleWatch(required)
        self.beats = {(role, "here"): RoleBeat(role, "here", 1, working=True) for role in roles}
        self.frozen: set[tuple[str, str]] = set()
        self.seconds = 100.0

    def look(self) -> dict[str, float]:
        now = BEGAN + timedelta(seconds=self.seconds - 100.0)
        found = self.watch.look(list(self.beats.values()), self.seconds, now)
        return {kind: round(silence.seconds, 3) for kind, silence in found.items()}

    def live(self, seconds: float) -> dict[str, float]:
        found: dict[str, float] = {}
        for turn in range(round(seconds * 2)):
            self.seconds += 0.5
            for key, beat in self.beats.items():
                if turn % 2 == 0 and key not in self.frozen:
                    self.beats[key] = RoleBeat(beat.role, beat.place, beat.beat + 1, working=beat.working)
            found = self.look()
        return found


def whole() -> City:
    city = City(*REQUIRED)
    assert city.look() == {}
    assert city.live(30) == {}
    return city


@pytest.mark.parametrize("role", sorted(REQUIRED))
def test_a_role_that_stands_still_is_missed_after_three_seconds_and_stale_after_five(role: str):
    city = whole()
    city.frozen.add((role, "here"))
    assert city.live(2) == {}, "its last beat was seen half a second before"
    kind = role.partition("-")[0]
    assert city.live(0.5) == {kind: 3.0}
    assert not city.watch.silent[kind].stale
    assert city.live(2) == {kind: 5.0}
    assert city.watch.silent[kind].stale
    assert city.watch.silent[kind].since == BEGAN + timedelta(seconds=29.5)
    city.frozen.clear()
    assert city.live(1) == {}


def test_time_in_which_nobody_could_look_counts_against_nobody():
    """The database was away for a minute: what is told is that, and not every role."""
    city = whole()
    city.seconds += 60.0
    assert city.look() == {}
    assert city.live(1) == {}


def test_a_role_that_was_missed_before_the_database_went_is_missed_after_it():
    city = whole()
    city.frozen.add(("rules", "here"))
    before = city.live(6)["rules"]
    city.seconds += 60.0
    assert city.look() == {"rules": before + 1.5}


def test_one_at_work_is_enough_of_rules_and_one_that_stands_by_is_not():
    city = whole()
    city.beats["rules", "there"] = RoleBeat("rules", "there", 1, working=False)
    city.frozen.add(("rules", "here"))
    assert "rules" in city.live(4), "who stands by hides nobody"
    city.beats["rules", "there"] = RoleBeat("rules", "there", 9, working=True)
    assert city.live(1) == {}, "it has taken over; the frozen one's row is nobody's concern"


def test_each_door_counts_and_one_that_said_goodbye_is_not_missed():
    city = whole()
    city.beats["door-3", "there"] = RoleBeat("door-3", "there", 1, working=True)
    assert city.live(2) == {}
    city.frozen.add(("door-3", "there"))
    assert "door" in city.live(4)
    del city.beats["door-3", "there"]
    assert city.live(0.5) == {}


def test_a_required_role_without_a_row_is_missed_since_it_was_heard_last():
    city = whole()
    del city.beats["rules", "here"]
    assert city.live(4) == {"rules": 4.5}
    assert city.watch.silent["rules"].since == BEGAN + timedelta(seconds=29.5)


def test_a_role_that_never_came_is_missed_since_the_watch_began():
    city = City("rules", "rollup", required=frozenset({"rules", "rollup", "keeper"}))
    city.look()
    assert [city.watch.complete] == [False]
    assert city.live(4) == {"keeper": 4.0}
    city.beats["keeper", "here"] = RoleBeat("keeper", "here", 1, working=True)
    assert city.live(0.5) == {}
    assert city.watch.complete
    assert city.watch.known == ["rules", "rollup", "keeper"]
