"""The keys of a batch, in its transaction: claiming them, what the log has under them, and what it has from now on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ioc.domain.event import Message
from ioc.domain.untimed import LIFETIME, earlier_identities
from ioc.store.log import statements as sql
from ioc.store.log.outcomes import KeyContent, NewEvent
from ioc.store.postgres.engine import Connection
from ioc.store.postgres.wakeup import LOG_CHANNEL


@dataclass(frozen=True, slots=True)
class Claim:
    """What a batch was given: the positions after ``before``, and how many of its keys were new."""

    before: int
    log_time: datetime
    keys: int


async def recognise(connection: Connection, messages: list[Message], now: datetime) -> list[Message]:
    """Give messages with an id and no time the identity under which the log, or this batch, has them already."""
    untimed = [(place, m) for place, m in enumerate(messages) if m.time is None and m.id is not None]
    if not untimed:
        return messages
    earlier = {place: earlier_identities(message) for place, message in untimed}
    # It locks the head, so nobody else can claim one of these identities between this check and our claim.
    keys, times = zip(*(one for pair in earlier.values() for one in pair), strict=True)
    known = {row["known"] for row in await connection.fetch(sql.FIND_EARLIER, keys, times, now - LIFETIME)}
    recognised = list(messages)
    for place, message in untimed:
        for key, key_time in earlier[place]:
            if key in known:
                recognised[place] = message._replace(key=key, key_time=key_time)
                break
        else:
            known.add(message.key)  # for one of this very batch that came in the next stretch
    return recognised


async def claim_keys(connection: Connection, messages: Sequence[Message], now: datetime) -> Claim:
    """Take a position for each message, and claim each key with that of its first message."""
    row = await connection.fetchrow(
        sql.CLAIM,
        [message.key for message in messages],
        [message.key_time for message in messages],
        [message.content for message in messages],
        len(messages),
        now,
        LOG_CHANNEL,
    )
    return Claim(row["before"], row["log_time"], row["claimed"])


async def known_keys(connection: Connection, messages: Sequence[Message], claim: Claim) -> Mapping[bytes, KeyContent]:
    """Return what the log had under the keys of a batch before it claimed the rest of them."""
    found = await connection.fetch(sql.FIND_KEYS, [m.key for m in messages], [m.key_time for m in messages])
    # A position beyond the old head was given by this batch: the key is new and counts from its first message on.
    return {
        row["key"]: KeyContent(row["content"], row["position"], row["revision"])
        for row in found
        if row["position"] <= claim.before
    }


async def revise_keys(connection: Connection, revised: Sequence[NewEvent]) -> None:
    """Let keys say what their newest revision says. Each comes once: of two PostgreSQL would take either."""
    if revised:
        await connection.execute(
            sql.REVISE_KEYS,
            [event.message.key for event in revised],
            [event.message.key_time for event in revised],
            [event.message.content for event in revised],
            [event.position for event in revised],
            [event.revision for event in revised],
        )
