"""The corpus of poison against a running instance: each body ends as the corpus says, at both doors (P5, S15).

A short form of `python -m proof poison`, which also has the control and the delays.
"""

from __future__ import annotations

import pytest

from ioc.store.embedded.server import attach
from proof.corpus import BODIES, PACKETS
from proof.scenarios.doors.poison import SENDERS, opened, run_corpus, unstorable
from proof.scenarios.doors.poison_run import FEED, Doors
from tests.acceptance.instance import Instance

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]


async def test_no_body_is_lost_and_none_harms_its_neighbours(instance: Instance) -> None:
    """Stored or a dead letter with its reason, the same over HTTP and MQTT; no 5xx; all good readings are stored."""
    doors = Doors(
        http_port=int(instance.url.rpartition(":")[2]),
        mqtt_port=instance.mqtt_port,
        keys={name: instance.device(name, FEED, "04795").key for name in SENDERS},
        feed_key=instance.key("feed", feed=FEED),
        dsn=attach(instance.data),
    )
    async with opened(doors, "corpus") as run:
        await run_corpus(run)
        assert run.tally.problems == []
        assert run.tally.stored > run.tally.good
        assert run.tally.letters > len(BODIES)
        assert await unstorable(run)
    assert len(BODIES) + len(PACKETS) >= 60
