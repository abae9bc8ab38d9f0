"""The replay against a local door: batches, answers, patience, and a second time all duplicates."""

import io
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from ioc.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    ServiceUnreachableError,
    UnauthenticatedError,
)
from ioc.replay import PlainReport, ReplayOptions, TerminalReport, replay, report_for


@pytest.fixture
def rain(tmp_path):
    """Five days of rain: one missing, one unreadable."""
    path = tmp_path / "rain.csv"
    path.write_text("Date,mm\n2017-10-09,3.5\n2017-10-10,189.5\n2017-10-11,182.7\n2017-10-12,N/A\n2017-10-13,wet\n")
    return path


def _options(door, path, **more):
    given: dict[str, Any] = {"feed": "rainfall", "device": "rain-hb-01", "columns": ("rain_24h_mm=mm",)}
    return ReplayOptions(**{"file": path, "url": door.url, "key": "ioc_feed_key", "history": True} | given | more)


async def test_sends_every_readable_row_once_and_counts_the_rest(door, rain, heard):
    result = await replay(_options(door, rain), report=heard)
    assert (result.rows, result.stored, result.duplicate, result.rejected) == (5, 3, 0, 0)
    assert (result.empty, result.bad, result.sent) == (1, 1, 3)
    assert result.exit_code == 1
    assert result.reasons == (f"{rain}:6: mm: 'wet' is no number",)
    assert heard.results == [result]
    assert [event["rain_24h_mm"] for event in door.stored.values()] == [3.5, 189.5, 182.7]


async def test_speaks_the_contract_s_route_with_key_device_and_history(door, rain, heard):
    await replay(_options(door, rain), report=heard)
    path, query, headers = door.requests[0]
    assert path == "/api/v1/feeds/rainfall/events"
    assert query == {"device": ["rain-hb-01"], "history": ["true"]}
    assert headers["Authorization"] == "Bearer ioc_feed_key"


async def test_live_replay_does_not_say_history(door, rain, heard):
    await replay(_options(door, rain, history=False, speed=0, device=None), report=heard)
    assert door.requests[0][1] == {}


async def test_a_second_replay_is_all_duplicates(door, rain, heard):
    first = await replay(_options(door, rain), report=heard)
    second = await replay(_options(door, rain), report=heard)
    assert (first.stored, first.duplicate) == (3, 0)
    assert (second.stored, second.duplicate) == (0, 3)


async def test_keeps_recorded_times_as_history(door, rain, heard):
    await replay(_options(door, rain), report=heard)
    assert [event["time"] for event in door.stored.values()][1] == "2017-10-09T17:00:00.000Z"


async def test_a_partial_rejection_is_told_with_file_line_and_reason(door, rain, heard):
    door.reject = lambda event: "impossible" if event["rain_24h_mm"] > 185 else None
    result = await replay(_options(door, rain), report=heard)
    assert (result.stored, result.rejected, result.exit_code) == (2, 1, 1)
    assert f"{rain}:3: impossible: said the stub" in result.reasons
    assert f"{rain}:3: impossible: said the stub" in heard.troubles


async def test_exit_code_is_0_when_nothing_was_refused(door, tmp_path, heard):
    path = tmp_path / "a.ndjson"
    path.write_text('{"time":"2025-05-01T00:00:00Z","v":1}\n{"time":"2025-05-01T00:01:00Z","v":null}\n')
    result = await replay(_options(door, path, columns=("rain_mm=v",)), report=heard)
    assert (result.stored, result.empty, result.exit_code) == (1, 1, 0)


async def test_waits_as_long_as_a_full_door_asks_and_loses_nothing(door, rain, heard):
    door.script = [(503, {"Retry-After": "1"}, {"detail": "queue full"}), (429, {"Retry-After": "0"}, {})]
    started = time.monotonic()
    result = await replay(_options(door, rain), report=heard)
    assert time.monotonic() - started >= 1.0
    assert result.stored == 3
    assert len(door.requests) == 3
    assert any("queue full" in text for text in heard.troubles)


async def test_gives_up_on_a_door_that_stays_full(door, rain, heard):
    door.script = [(503, {"Retry-After": "30"}, {"detail": "queue full"})] * 3
    with pytest.raises(ServiceUnreachableError, match="queue full"):
        await replay(_options(door, rain, give_up_seconds=5), report=heard)
    assert heard.results[0].sent == 0


async def test_a_door_that_is_away_is_a_service_unreachable(rain, heard):
    options = ReplayOptions(
        file=rain,
        feed="rainfall",
        columns=("rain_24h_mm=mm",),
        url="http://127.0.0.1:9",
        key="k",
        history=True,
        give_up_seconds=0.6,
    )
    with pytest.raises(ServiceUnreachableError):
        await replay(options, report=heard)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, InvalidInputError), (401, UnauthenticatedError), (403, ForbiddenError), (404, NotFoundError)],
)
async def test_what_trying_again_cannot_help_ends_at_once_with_the_door_s_words(door, rain, heard, status, error):
    door.script = [(status, {}, {"detail": "because I say so"})]
    with pytest.raises(error, match="because I say so"):
        await replay(_options(door, rain), report=heard)
    assert len(door.requests) == 1


async def test_an_answer_that_is_not_the_contract_s_is_refused(door, rain, heard):
    door.script = [(202, {}, {"hello": "world"})]
    with pytest.raises(InvalidInputError, match="cannot be read"):
        await replay(_options(door, rain), report=heard)


async def test_a_batch_that_is_too_large_goes_in_halves_with_its_lines_right(door, tmp_path, heard):
    path = tmp_path / "many.csv"
    path.write_text("time,v\n" + "".join(f"2025-05-01T00:{minute:02}:00Z,{minute}\n" for minute in range(40)))
    door.batch_max = 7
    door.reject = lambda event: "odd" if event["rain_mm"] == 33 else None
    result = await replay(_options(door, path, columns=("rain_mm=v",)), report=heard)
    assert (result.stored, result.rejected) == (39, 1)
    assert result.reasons == (f"{path}:35: odd: said the stub",)


async def test_a_long_file_goes_in_bounded_batches(door, tmp_path, heard):
    path = tmp_path / "long.csv"
    path.write_text("time,v\n" + "".join(f"{1_500_000_000 + n},{n}\n" for n in range(2_500)))
    options = _options(door, path, columns=("rain_mm=v",), time_format="epoch", batch_events=1_000)
    result = await replay(options, report=heard)
    assert result.stored == 2_500
    assert len(door.requests) == 3
    assert heard.begun == [("long.csv to rainfall", 2_500)]


async def test_a_paced_replay_sends_each_reading_at_its_turn(door, tmp_path, heard):
    path = tmp_path / "minutes.csv"
    path.write_text("time,v\n2025-05-01T00:00:00Z,1\n2025-05-01T00:00:30Z,2\n2025-05-01T00:01:00Z,3\n")
    started = time.monotonic()
    options = _options(door, path, columns=("rain_mm=v",), history=False, speed=150)
    result = await replay(options, report=heard)
    assert 0.35 <= time.monotonic() - started < 3
    assert result.stored == 3
    assert len(door.requests) == 3


async def test_a_paced_and_shifted_replay_never_carries_a_time_ahead_of_now(door, tmp_path, heard):
    path = tmp_path / "hours.csv"
    path.write_text("time,v\n2025-05-01T00:00:00Z,1\n2025-05-01T01:00:00Z,2\n")
    options = _options(door, path, columns=("rain_mm=v",), history=False, speed=36_000, shift=True)
    await replay(options, report=heard)
    after = datetime.now(UTC)
    times = [datetime.fromisoformat(event["time"]) for event in door.stored.values()]
    assert 0.05 <= (times[1] - times[0]).total_seconds() <= 0.15
    assert times[1] <= after


async def test_no_row_to_send_is_said_before_anything_is_sent(door, tmp_path, heard):
    path = tmp_path / "empty.csv"
    path.write_text("time,v\n2025-05-01T00:00:00Z,N/A\n")
    with pytest.raises(InvalidInputError, match="no row has"):
        await replay(_options(door, path, columns=("rain_mm=v",)), report=heard)
    assert door.requests == []


async def test_troubles_are_told_up_to_a_bound_and_counted_beyond(door, tmp_path, heard):
    path = tmp_path / "bad.csv"
    path.write_text("time,v\n2025-05-01T00:00:00Z,1\n" + "never,1\n" * 100)
    result = await replay(_options(door, path, columns=("rain_mm=v",)), report=heard)
    assert (result.bad, len(result.reasons), len(heard.troubles)) == (100, 10, 21)


@pytest.mark.parametrize("more", [{"columns": ()}, {"speed": -1}, {"batch_events": 0}])
def test_options_out_of_their_bounds_are_refused(door, rain, more):
    with pytest.raises(InvalidInputError):
        _options(door, rain, **more)


def test_the_key_does_not_show_in_the_options_text(door, rain):
    assert "ioc_feed_key" not in repr(_options(door, rain))


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_terminal_gets_a_bar_and_others_plain_lines(door, rain, terminal):
    written = io.StringIO()
    report = report_for(Console(file=written, force_terminal=terminal, width=160))
    assert isinstance(report, TerminalReport if terminal else PlainReport)
    await replay(_options(door, rain), report=report)
    text = written.getvalue()
    assert "3 stored, 0 duplicate, 0 rejected (5 rows, 1 without a value, 1 unreadable)" in text
    assert "rain.csv:6: mm: 'wet' is no number" in text
    assert ("\x1b[" in text) is terminal
