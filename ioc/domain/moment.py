"""Moments: aware datetimes only, RFC 3339 in and out, naive input means the pack's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OLDEST_TRUSTED = datetime(1990, 1, 1, tzinfo=UTC)
FUTURE_TRUSTED_MAX = timedelta(days=1)
SKEW_MAX = timedelta(minutes=2)


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time; a time without offset means Asia/Ho_Chi_Minh (CONTRACT, Feeds over MQTT).

    Raises:
        ValueError: the text is no time.
    """
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


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds, as every answer of the API has it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
