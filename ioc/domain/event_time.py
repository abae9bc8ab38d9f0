"""The time that counts for an event, decided once, as it enters the log: windows, timers and series all go by it.

A device's clock may be wrong, ahead, or have remembered what it measured before anybody knew the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ioc.domain.event import Flag, Message
from ioc.domain.moment import FUTURE_TRUSTED_MAX, OLDEST_TRUSTED, REMEMBERED_MAX, SKEW_MAX


def effective_time(
    observed: datetime | None, log_time: datetime, registered_at: datetime | None = None
) -> tuple[datetime, str | None]:
    """Return the time that counts for windows and timers, and the flag that says why it differs (RULES).

    Untrusted (before 1990, more than a month before the registration, more than a day ahead): the log's time,
    `clock_fault`. Else the observed time, but at most two minutes ahead of the log: `skewed`. What was measured in the
    month before the registration is what the device remembers: its own time, `before_registration`.
    """
    if observed is None:
        return log_time, None
    if observed < OLDEST_TRUSTED or observed > log_time + FUTURE_TRUSTED_MAX:
        return log_time, Flag.CLOCK_FAULT
    if registered_at is not None and observed < registered_at:
        if observed < registered_at - REMEMBERED_MAX:
            return log_time, Flag.CLOCK_FAULT  # a clock that was reset: a flood gauge must not fall silent by it
        if observed <= log_time:
            return observed, Flag.BEFORE_REGISTRATION
    if observed > log_time + SKEW_MAX:
        return log_time + SKEW_MAX, Flag.SKEWED
    return observed, None


def event_time(message: Message, log_time: datetime) -> tuple[datetime, tuple[str, ...]]:
    """Return the effective time of a message that enters the log at ``log_time``, and all flags of its event."""
    # Imported history was measured before we knew the device: that is no fault of its clock.
    registered_at = None if Flag.HISTORY in message.flags else message.registered_at
    effective, fault = effective_time(message.time, log_time, registered_at)
    return effective, message.flags if fault is None else (*message.flags, fault)


def event_times(messages: Sequence[Message], log_time: datetime) -> tuple[list[datetime], list[tuple[str, ...]]]:
    """Return what :func:`event_time` says of each message of a batch, in two columns.

    Nearly every message is from a moment ago: its own time counts, and two comparisons show it.
    """
    times: list[datetime] = []
    flags: list[tuple[str, ...]] = []
    trusted_until = log_time + SKEW_MAX
    for message in messages:
        time, registered_at = message.time, message.registered_at
        if (
            time is not None
            and OLDEST_TRUSTED <= time <= trusted_until
            and (registered_at is None or registered_at <= time)
        ):
            times.append(time)
            flags.append(message.flags)
        else:
            effective, marked = event_time(message, log_time)
            times.append(effective)
            flags.append(marked)
    return times, flags
