"""The process of one backtest that somebody asked for: `python -m ioc.backtests.job ID`.

The keeper starts it, at a lower priority than everything else, and it ends with the keeper. What became of it is in
the table, whoever of the two writes it first.
"""

from __future__ import annotations

import asyncio
import sys

import orjson
import structlog
import uvloop

from ioc.assembly.context import ProcessContext, open_context, settle_memory
from ioc.backtests.command import READ_TIMEOUT_SECONDS, give_way
from ioc.backtests.run import BacktestCancelledError, BacktestProgress, Question, city_of, conduct, form_of
from ioc.errors import IOCError, StoreUnavailableError
from ioc.rules.recompute.backtest import BacktestForm
from ioc.runtime import logs
from ioc.runtime.supervisor import end_with_supervisor
from ioc.settings import Settings, read_settings
from ioc.store.rules import backtests
from ioc.store.rules.backtest_log import BacktestLog
from ioc.store.rules.backtests import BacktestState

RESULT_BYTES_MAX = 4 << 20
END_ATTEMPTS = 20
RETRY_SECONDS = 1.0
BEATS_MISSED_MAX = 5
"""So many heartbeats may fail in turn, while PostgreSQL restarts."""


class ProgressWriter:
    """Writes how far it is into the table, which also says whether to go on."""

    def __init__(self, context: ProcessContext, identifier: str) -> None:
        self._context = context
        self._identifier = identifier
        self._missed = 0

    async def tell(self, progress: BacktestProgress) -> None:
        """Write it.

        Raises:
            BacktestCancelledError: somebody cancelled it, or ended it.
            StoreUnavailableError: PostgreSQL has not answered several times in turn.
        """
        try:
            goes_on = await backtests.beat(
                self._context.database, self._identifier, done=progress.done, total=progress.total,
                events_per_second=progress.events_per_second, now=self._context.wall.now(),
            )  # fmt: skip
        except StoreUnavailableError:
            self._missed += 1
            if self._missed > BEATS_MISSED_MAX:
                raise
            return
        self._missed = 0
        if not goes_on:
            raise BacktestCancelledError("cancelled")


async def run_job(settings: Settings, identifier: str) -> int:
    """Run the backtest of a row that was claimed, and note its end; return the exit code."""
    own = settings.model_copy(update={"commit_timeout_seconds": READ_TIMEOUT_SECONDS})
    async with open_context(own, "backtest", connections_max=2) as context:
        async with context.database.connection() as connection:
            row = await backtests.get(connection, identifier)
        question = Question(
            BacktestForm(row["body"], row["hash"], row["version"]),
            None if row["present"] is None else form_of(row["present"]),
            row["span_from"],
            row["span_to"],
            row["include_history"],
        )
        settle_memory()
        try:
            tell = ProgressWriter(context, identifier).tell
            result = await conduct(BacktestLog(context.database), city_of(context.pack), question, tell)
        except BacktestCancelledError:
            await _end(context, identifier, BacktestState.CANCELLED)
            return 0
        except IOCError as error:
            structlog.get_logger().warning("backtest_failed", id=identifier, error=str(error))
            await _end(context, identifier, BacktestState.FAILED, reason=str(error))
            return 1
        await _end(context, identifier, BacktestState.DONE, result=within_bytes(result))
        return 0


async def _end(
    context: ProcessContext, identifier: str, state: BacktestState, *, reason: str | None = None,
    result: dict[str, object] | None = None,
) -> None:  # fmt: skip
    for attempt in range(1, END_ATTEMPTS + 1):
        try:
            await backtests.end(context.database, identifier, state, context.wall.now(), reason=reason, result=result)
        except StoreUnavailableError:
            if attempt == END_ATTEMPTS:
                raise
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


def within_bytes(result: dict[str, object]) -> dict[str, object]:
    """Return a result of at most four million bytes: the oldest alerts of the list go first, and it says so."""
    while len(orjson.dumps(result)) > RESULT_BYTES_MAX:
        sides = [side for side in (result["candidate"], result["present"]) if isinstance(side, dict) and side["alerts"]]
        if not sides:
            break
        for side in sides:
            side["alerts"] = side["alerts"][: len(side["alerts"]) // 2]
        result["truncated"] = True
    return result


def main() -> int:
    """Run the backtest that the command line names."""
    end_with_supervisor()
    give_way()
    settings = read_settings()
    logs.configure(level=settings.log_level, role="backtest", pretty=False)
    try:
        return uvloop.run(run_job(settings, sys.argv[1]))
    except IOCError as error:
        structlog.get_logger().error("backtest_failed", error=str(error))
        return 3


if __name__ == "__main__":
    sys.exit(main())
