"""The pure parts of the API: cursors, throttle, languages, areas, scopes, CSV cells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from ioc.api.http import paging
from ioc.api.http.filters import read_moment
from ioc.api.http.problems import INTERNAL, PROBLEMS, CrossSiteError, language_of, problem_of
from ioc.api.http.responses import as_csv, safe_cell
from ioc.api.identity.passwords import Passwords, check_policy, one_time_password
from ioc.api.identity.throttle import ENTRIES_MAX, Throttle
from ioc.api.stream.sse_events import RenderedChange, sse
from ioc.domain.feed import Label
from ioc.domain.places.area import Area, Zone
from ioc.domain.search import SearchQuery
from ioc.errors import InvalidInputError, IOCError, NotFoundError, TooManyRequestsError
from ioc.store.postgres.scope import Scope, Where
from ioc.store.registry.areas import AreaBook

TODAY = date(2026, 11, 23)
MERGED = date(2025, 7, 1)


@dataclass
class Clock:
    now: float = 0.0

    def seconds(self) -> float:
        return self.now


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=400), st.integers(-(2**60), 2**60))
def test_a_cursor_comes_back_as_it_was_made(text: str, number: int):
    keys = [datetime(2026, 11, 23, 1, 2, 3, 456, tzinfo=UTC), text, number]
    cursor = paging.make_cursor("r", {"a": 1}, keys)
    assert paging.read_cursor("r", {"a": 1, "limit": 5, "b": None}, cursor, (datetime, str, int)) == keys


@given(st.text(max_size=80))
def test_no_text_is_a_cursor_by_chance(text: str):
    with pytest.raises(InvalidInputError):
        paging.read_cursor("r", {}, text, (int,))


@pytest.mark.parametrize(
    ("route", "filters"), [("other", {"a": 1}), ("r", {"a": 2}), ("r", {}), ("r", {"a": 1, "b": 1})]
)
def test_a_cursor_is_bound_to_route_and_filters(route: str, filters: dict[str, int]):
    cursor = paging.make_cursor("r", {"a": 1}, [5])
    with pytest.raises(InvalidInputError):
        paging.read_cursor(route, filters, cursor, (int,))


def test_the_throttle_delays_double_up_to_their_bound_and_end():
    clock = Clock()
    throttle = Throttle(clock, free=3, delay_seconds_max=60)
    waits = []
    for _ in range(12):
        throttle.begin("op")
        try:
            throttle.begin("op")
        except TooManyRequestsError as error:
            waits.append(error.retry_after_seconds)
            clock.now += error.retry_after_seconds
    assert waits[0] <= 2
    assert waits == sorted(waits)
    assert waits[-1] == 61
    throttle.succeed("op")
    throttle.begin("op")
    throttle.begin("op")


def test_the_throttle_forgets_the_longest_unseen_and_stays_bounded():
    throttle = Throttle(Clock(), free=1)
    for number in range(ENTRIES_MAX + 50):
        throttle.begin(f"user{number}")
    assert len(throttle.entries) == ENTRIES_MAX
    throttle.begin("user0")
    with pytest.raises(TooManyRequestsError):
        throttle.begin(f"user{ENTRIES_MAX}")


def test_a_withdrawn_attempt_leaves_the_earlier_failures():
    throttle = Throttle(Clock(), free=3)
    for _ in range(2):
        throttle.begin("10.0.0.1")
    throttle.begin("10.0.0.1")
    throttle.withdraw("10.0.0.1")
    throttle.begin("10.0.0.1")
    with pytest.raises(TooManyRequestsError):
        throttle.begin("10.0.0.1")


@pytest.mark.parametrize(
    ("header", "language"),
    [(None, "vi"), ("", "vi"), ("en", "en"), ("en-GB,vi;q=0.9", "en"), ("vi-VN,en;q=0.9", "vi"),
     ("fr;q=1,en;q=0.1", "en"), ("en;q=x", "vi"), ("*", "vi")],
)  # fmt: skip
def test_the_language_follows_the_weights(header: str | None, language: str):
    assert language_of(header) == language


def test_every_error_of_the_house_has_its_problem_and_codes_are_unique():
    codes = [problem.code for problem in PROBLEMS.values()]
    assert len(codes) == len(set(codes))
    answered = {kind for kind in IOCError.__subclasses__() if problem_of(kind.__new__(kind)) is not INTERNAL}
    own = {"SettingsError", "PackError", "ServiceUnreachableError", "FencedError", "ChangesPrunedError"}
    rest = {
        kind.__name__ for kind in IOCError.__subclasses__() if kind.__module__.startswith(("ioc.errors", "ioc.api"))
    }
    assert rest - {kind.__name__ for kind in answered} <= own
    assert problem_of(CrossSiteError()).code == "cross_site"


def book() -> AreaBook:
    ward = Label("P", "W")
    areas = (
        Area("1", MERGED, ward, "ward", "city"),
        Area("2", MERGED, ward, "ward", "city"),
        Area("3", MERGED, ward, "commune", "rural"),
        Area("1", date(2020, 1, 1), ward, "ward", "city", valid_to=MERGED, successors=("2",)),
        Area("9", date(2020, 1, 1), ward, "ward", "city", valid_to=MERGED, successors=("1", "3")),
        Area("8", date(2010, 1, 1), ward, "ward", "city", valid_to=date(2020, 1, 1), successors=("9", "8")),
    )
    return AreaBook(areas, (Zone("city", ward, "148", ("1", "2")), Zone("rural", ward, "152", ("3",))))


@pytest.mark.parametrize(
    ("text", "codes"),
    [("1", {"1"}), ("city", {"1", "2"}), ("148", {"1", "2"}), ("152", {"3"}), ("1@2024-05-05", {"2"}),
     ("9@2024-05-05", {"1", "3"}), ("8@2015-01-01", {"1", "3"}), ("1@2026-01-01", {"1"})],
)  # fmt: skip
def test_a_filter_text_becomes_codes_of_today(text: str, codes: set[str]):
    assert book().resolve(text, TODAY) == codes


@pytest.mark.parametrize("text", ["9", "77", "1@", "1@2024-13-01", "1@1999-01-01", ""])
def test_a_text_that_names_nothing_is_refused(text: str):
    with pytest.raises(InvalidInputError):
        book().resolve(text, TODAY)


def test_an_ended_code_is_told_to_come_with_its_day():
    with pytest.raises(InvalidInputError, match="code@date"):
        book().resolve("9", TODAY)
    with pytest.raises(NotFoundError):
        book().unit("9", TODAY)


@pytest.mark.parametrize(
    ("scope", "row", "seen"),
    [
        (Scope(), {"area": None, "zone": None}, True),
        (Scope(frozenset({"1"})), {"area": "1", "zone": "city"}, True),
        (Scope(frozenset({"1"})), {"area": "2", "zone": "city"}, False),
        (Scope(frozenset({"1"})), {"area": None, "zone": "city"}, False),
        (Scope(frozenset({"1", "2"}), frozenset({"city"})), {"area": None, "zone": "city"}, True),
        (Scope(frozenset()), {"area": "1", "zone": "city"}, False),
        (Scope(restricted=False), {"area": "1", "zone": "city", "restricted": True}, False),
        (Scope(hidden_feeds=frozenset({"w"})), {"area": "1", "zone": "city", "feed": "w"}, False),
    ],
)
def test_the_wall(scope: Scope, row: dict[str, str], seen: bool):
    assert scope.sees(**row) is seen  # type: ignore[arg-type]


def test_a_filter_never_widens_the_wall():
    walled = Scope(frozenset({"1"}), frozenset())
    assert walled.narrow(frozenset({"1", "2"}), frozenset({"city"})) == walled
    assert walled.narrow(frozenset({"3"}), frozenset({"rural"})).areas == frozenset()


def test_values_never_enter_the_sql_text():
    where = (
        Where()
        .add("a = {}", "x'; DROP TABLE audit;--")
        .one_of("b", ["y"])
        .search("c", SearchQuery(("z",), (((), frozenset({"04795"})),)), area="a")
    )
    assert "DROP" not in where.sql
    assert where.arguments == ["x'; DROP TABLE audit;--", ["y"], " z", ["04795"]]


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1", "'=1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\ta", "'\ta"), ("\ra", "'\ra"), (-1.5, "-1.5"),
     (True, "true"), (None, ""), ("a=b", "a=b"), (["=x"], '["=x"]')],
)  # fmt: skip
def test_a_cell_never_begins_a_formula(value: object, cell: str):
    assert safe_cell(value) == cell


def test_csv_spreads_one_level_and_marks_utf_8():
    text = as_csv([{"id": "a", "title": {"vi": "Mưa", "en": "Rain"}}, {"id": "b", "x": 1}]).decode("utf-8-sig")
    assert text.splitlines() == ["id,title.vi,title.en,x", "a,Mưa,Rain,", "b,,,1"]


def test_a_time_without_zone_is_local_and_a_plus_that_became_a_space_is_mended():
    assert read_moment("2026-11-23T20:00:00") == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert read_moment("2026-11-23T20:00:00 07:00") == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert read_moment("2026-11-23") == datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


def test_a_frame_gives_each_reader_its_own_and_foreign_ones_nothing():
    frame = RenderedChange(7, "alert", ("1", "city"), False, "rainfall", b"whole", b"masked", b"gone", ("1", "city"))
    assert frame.for_reader(Scope(), masked=False) == b"whole"
    assert frame.for_reader(Scope(), masked=True) == b"masked"
    assert frame.for_reader(Scope(frozenset({"2"})), masked=False) is None
    moved = RenderedChange(8, "device", ("2", "city"), False, None, b"whole", b"masked", b"gone", ("1", "city"))
    assert moved.for_reader(Scope(frozenset({"2"})), masked=False) == b"gone"
    hidden = RenderedChange(9, "alert", ("1", "city"), True, None, b"whole", b"masked", b"gone", ("1", "city"))
    assert hidden.for_reader(Scope(restricted=False), masked=True) is None
    key = RenderedChange(10, "key", (None, None), False, None, b"whole", b"whole", b"gone", None)
    assert key.for_reader(Scope(), masked=False) is None
    assert sse("alert", b"{}", 7) == b"event: alert\nid: 7\ndata: {}\n\n"


@pytest.mark.parametrize("password", ["short", "passwordpassword", "aaaaaaaaaaaaaa", "the operator is me", "x" * 257])
def test_weak_passwords_are_refused(password: str):
    with pytest.raises(InvalidInputError):
        check_policy(password, username="operator")


def test_long_and_vietnamese_passwords_are_welcome():
    ours = one_time_password(username="operator")
    for password in ("trời mưa to quá đi", f"{ours} và {ours}", ours):
        check_policy(password, username="operator")


async def test_an_unknown_name_costs_a_verification_too():
    class Counting(PasswordHasher):
        verified = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            type(self).verified += 1
            return super().verify(hash, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    stored = await passwords.hash("Mật khẩu tiếng Việt")
    assert await passwords.verify(stored, "Mật khẩu tiếng Việt")
    assert not await passwords.verify(stored, "another")
    assert not await passwords.verify(None, "another")
    assert Counting.verified == 3
