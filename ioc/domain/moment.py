"""Moments: aware datetimes only, RFC 3339 in and out, naive input means the pack's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OLDEST_TRUSTED = datetime(1990, 1, 1, tzinfo=UTC)
FUTURE_TRUSTED_MAX = timedelta(days=1)
SKEW_MAX = timedelta(minutes=2)
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNIX_MILLISECONDS_MIN = 100_000_000_000
"""From here on a Unix time is in milliseconds: in seconds it would be the year 5138, in milliseconds it is 1973."""
REMEMBERED_MAX = timedelta(days=31)
"""From so long before its registration a device's readings are what it remembers; older ones show a reset clock."""


def parse_time(text: str | float) -> datetime:
    """Read an RFC 3339 time; a time without offset means Asia/Ho_Chi_Minh. A number is Unix time in s or ms.

    Raises:
        ValueError: it is no time.
    """
    if type(text) is int or type(text) is float:
        return _unix_time(text)
    if not isinstance(text, str) or not (8 <= len(text) <= 40) or not text[:4].isdigit():  # noqa: PLR2004
        raise ValueError(f"not an RFC 3339 time: {text!r:.60}")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:  # nearly every device says Z: nothing to convert
        return moment
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=LOCAL_ZONE)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"time out of range: {text!r:.60}") from error


def _unix_time(number: float) -> datetime:
    """Return the moment of a Unix time: in seconds below 100,000,000,000 (the year 5138), else in milliseconds."""
    if number < 0:
        raise ValueError(f"not a Unix time: {number}")
    try:
        if number < UNIX_MILLISECONDS_MIN:
            return UNIX_EPOCH + timedelta(seconds=number)
        return UNIX_EPOCH + timedelta(milliseconds=number)
    except OverflowError as error:
        raise ValueError(f"time out of range: {number}") from error


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds, as every answer of the API has it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
