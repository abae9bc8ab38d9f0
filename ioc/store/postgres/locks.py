"""The advisory locks of the store, each with a number of its own: two that share one would wait for each other."""

from __future__ import annotations

from enum import IntEnum, unique

from ioc.store.postgres.engine import Connection


@unique
class AdvisoryLock(IntEnum):
    """What one transaction at a time may change. Versions that run beside each other must agree on the numbers."""

    MIGRATIONS = 0x10C_0001
    AUDIT = 0x10C_0A01
    RULES = 0x10C_0A02
    LIMITS = 0x10C_0A03
    INDICATORS = 0x10C_0A04
    CONNECT_REFUSALS = 0x10C_0A05
    MEDIA = 0x10C_0A06
    LOOKUPS = 0x10C_0A11
    DIRECTORY = 0x10C_0A0C
    MAINTENANCE = 0x10C_0A25
    SILENCES = 0x10C_0A27
    ROSTER = 0x10C_0A26
    BACKTESTS = 0x696F636274657374
    PARTITIONS = 0x10C_0A08
    ATTACHMENTS = 0x10C_0A07
    """With the number of an event beside it: of one event at a time."""


async def take_lock(connection: Connection, lock: AdvisoryLock) -> None:
    """Wait until nobody else holds a lock; held until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", lock)


async def take_lock_of(connection: Connection, lock: AdvisoryLock, number: int) -> None:
    """Wait until nobody else holds a lock for a number (32 bits); held until the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1::int, $2::int)", lock, number)
