"""Bridges that fall into the traps: each must lose in the same run in which the honest one does not."""

from __future__ import annotations

import itertools
from typing import Any

from ioc.ingest.bridge import session
from ioc.ingest.bridge.link import BrokerLink, _Acknowledge
from ioc.ingest.bridge.session import BrokerSession

FAILS_EACH = 10


def auto_ack() -> None:
    """Leave acknowledging to paho, and let it suppress what a handler raises: it acknowledges what failed."""
    make_client = BrokerSession._make_client  # noqa: SLF001 - to break it is the purpose
    numbers = itertools.count(1)

    def make(self: BrokerSession, *given: Any) -> Any:
        client = make_client(self, *given)
        client.manual_ack_set(False)  # noqa: FBT003 - paho's signature
        client.suppress_exceptions = True
        honest = client.on_message
        assert honest is not None, "set by the honest one"

        def fails_at_times(*message: Any) -> None:
            if next(numbers) % FAILS_EACH == 0:
                raise OSError("the database is away")
            honest(*message)

        client.on_message = fails_at_times
        return client

    BrokerSession._make_client = make  # type: ignore[assignment,method-assign] # noqa: SLF001


def no_epoch() -> None:
    """Acknowledge by packet id alone, whatever connection it was of."""

    def acknowledge(self: BrokerLink, present: BrokerSession, order: _Acknowledge) -> None:
        del self
        present.acknowledge(order.packet_ids)

    BrokerLink._acknowledge = acknowledge  # type: ignore[assignment,method-assign] # noqa: SLF001


def qos_2() -> None:
    """Subscribe at QoS 2, which sounds like more: paho takes the message over when it arrives, into memory."""
    session.AT_LEAST_ONCE = 2
