"""The two steps of the ledgers: hours, which are kept for days, and local days, which are kept for months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ioc.domain.moment import LOCAL_ZONE

STEP_1H = 3_600
STEP_1D = 86_400
HOURS_KEPT = timedelta(days=3)
DAYS_KEPT = timedelta(days=62)


def hour_of(moment: datetime) -> datetime:
    """Return when the hour of a moment begins; every Vietnamese hour is a whole UTC hour."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    """Return when the local day of a moment begins; there is no daylight saving."""
    local = moment.astimezone(LOCAL_ZONE)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def buckets_of(moment: datetime) -> tuple[tuple[int, datetime], ...]:
    """Return the hour and the day of a moment, as (step, begin)."""
    return (STEP_1H, hour_of(moment)), (STEP_1D, day_of(moment))
