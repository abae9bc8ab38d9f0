"""What the independent evaluator reads: the shape of a log and of its feeds, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol


class FeedField(Protocol):
    """A field that a feed declares."""

    @property
    def type(self) -> str:
        """The word for its type."""
        ...

    @property
    def sum_of(self) -> Sequence[str]:
        """The fields of which it is the sum where a reading lacks it."""
        ...


class Feed(Protocol):
    """What a feed declares."""

    @property
    def fields(self) -> Mapping[str, FeedField]:
        """Its fields by name."""
        ...

    @property
    def live_within(self) -> timedelta:
        """How old a reading may be to call for somebody."""
        ...


class LogEvent(Protocol):
    """A reading as the log keeps it."""

    @property
    def feed(self) -> str: ...  # noqa: D102 - these are the log's own members
    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def key(self) -> bytes: ...  # noqa: D102
    @property
    def effective(self) -> datetime: ...  # noqa: D102
    @property
    def data(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def lat(self) -> float | None: ...  # noqa: D102
    @property
    def lon(self) -> float | None: ...  # noqa: D102
    @property
    def area(self) -> str | None: ...  # noqa: D102
    @property
    def zone(self) -> str | None: ...  # noqa: D102
    @property
    def flags(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def revision(self) -> int: ...  # noqa: D102
    @property
    def door(self) -> str: ...  # noqa: D102


class LogEntry(Protocol):
    """One line of the log."""

    @property
    def position(self) -> int: ...  # noqa: D102
    @property
    def log_time(self) -> datetime: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def event(self) -> LogEvent | None: ...  # noqa: D102
    @property
    def subject(self) -> str | None: ...  # noqa: D102
    @property
    def value(self) -> Mapping[str, Any] | None: ...  # noqa: D102
