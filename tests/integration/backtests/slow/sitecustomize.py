"""Read when a child of a test starts: its backtests go slowly, so that a test can catch one at work."""

import sys

if "ioc.backtests.job" in sys.orig_argv:
    import asyncio

    from ioc.store.rules import backtest_log

    backtest_log.STRETCH = 50
    read = backtest_log.BacktestLog._stretch

    async def slow(*given: object) -> object:
        await asyncio.sleep(0.5)
        return await read(*given)  # type: ignore[arg-type]

    backtest_log.BacktestLog._stretch = slow  # type: ignore[assignment,method-assign]
