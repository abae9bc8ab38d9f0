"""Logs: JSON lines in UTC on standard error, control characters escaped by the JSON encoder."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(*, level: str, role: str, pretty: bool) -> None:
    """Set up structlog and the standard library's logging for one process."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if pretty else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    # While PostgreSQL is away each pool would add a traceback a second; whoever needs a connection says so itself.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
