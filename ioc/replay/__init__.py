"""Replay: recorded CSV or NDJSON through the real HTTP door, at its own pace or as history, told once however often."""

from __future__ import annotations

from ioc.replay.engine import replay
from ioc.replay.options import ReplayOptions
from ioc.replay.report import PlainReport, Report, TerminalReport, report_for
from ioc.replay.result import Progress, ReplayResult

__all__ = [
    "PlainReport",
    "Progress",
    "ReplayOptions",
    "ReplayResult",
    "Report",
    "TerminalReport",
    "replay",
    "report_for",
]
