"""What a person enters, checked field by field and placed as any device's reading is; nothing of it is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson

from ioc.domain.event import DeadLetter, Message, Outcome
from ioc.domain.feed import FeedSpec
from ioc.domain.manual_entry import DESK, DOOR, ManualReading
from ioc.domain.moment import SKEW_MAX, format_time
from ioc.domain.scope import Scope
from ioc.errors import InvalidFieldsError, NotFoundError
from ioc.ingest.pipeline.delivery import Delivery, Registry
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.validation import field_faults
from ioc.runtime.metrics import Metrics

AGE_MAX = timedelta(days=31)
"""What is older comes in as recorded history, which no rule evaluates live."""
FIELD_OF = {
    "unknown_device": "device",
    "wrong_feed": "device",
    "retired_device": "device",
    "no_device": "device",
    "bad_place": "place",
    "outside_area": "place",
}
"""What the preparation refuses, by the field of the form that it is about."""


class IntakeGate(Protocol):
    """What says whether the intake takes anything now."""

    def check_room(self, door: str) -> None:
        """Do nothing while it does; QueueFullError: it does not."""
        ...


class ManualDoor:
    """Takes what people enter, one reading at a time, through the preparation of every other door."""

    def __init__(
        self, *, pipeline: IntakeGate, registry: Registry, feeds: Mapping[str, FeedSpec], metrics: Metrics,
        marks: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """``marks`` are flags that every event gets, such as `drill`."""
        self._pipeline = pipeline
        self._registry = registry
        self._feeds = feeds
        self._metrics = metrics
        self._preparer = Preparer(feeds=feeds, registry=registry, events_max=1, marks=marks)

    async def message(self, reading: ManualReading, *, wall: Scope | None, now: datetime) -> Message:
        """Return a reading as the log takes it.

        Raises:
            NotFoundError: there is no such feed.
            InvalidFieldsError: what of it does not fit, field by field.
            QueueFullError: the intake takes nothing now.
        """
        self._pipeline.check_room(DOOR)
        feed = self._feed(reading)
        faults = _faults(feed, reading, now)
        if faults:
            raise InvalidFieldsError("some fields do not fit", faults=faults)
        return await self._prepared(reading, wall, now)

    async def imported(self, reading: ManualReading, *, now: datetime) -> Message:
        """Return a reading of an approved import as the log takes it: of any time, its device need not be registered.

        Raises:
            NotFoundError, InvalidFieldsError, QueueFullError: as :meth:`message`.
        """
        self._pipeline.check_room(DOOR)
        found = field_faults(self._feed(reading), reading.values)
        if found:
            faults = [_fault(f"values.{name}", each.reason, each.detail) for name, each in found.items()]
            raise InvalidFieldsError("some fields do not fit", faults=faults)
        return await self._prepared(reading, None, now)

    def _feed(self, reading: ManualReading) -> FeedSpec:
        feed = self._feeds.get(reading.feed)
        if feed is None:
            raise NotFoundError("no such feed")
        return feed

    async def _prepared(self, reading: ManualReading, wall: Scope | None, now: datetime) -> Message:
        delivery = _delivery(reading, wall, now)
        prepared = self._preparer.prepare(delivery)
        if isinstance(prepared[0], DeadLetter) and prepared[0].reason == "unknown_device":
            await self._registry.refresh()  # it may have been registered a moment ago
            prepared = self._preparer.prepare(delivery)
        found = prepared[0]
        if isinstance(found, DeadLetter):
            name = FIELD_OF.get(found.reason, "values")
            raise InvalidFieldsError(found.detail, faults=[_fault(name, found.reason, found.detail)])
        return found

    def count(self, message: Message) -> None:
        """Count a reading that was stored, as the batcher counts those of the other doors."""
        self._metrics.ingest_events.labels(message.feed, DOOR, Outcome.STORED).inc()


def _delivery(reading: ManualReading, wall: Scope | None, now: datetime) -> Delivery:
    place = {} if reading.lat is None else {"lat": reading.lat, "lon": reading.lon}
    body = {**reading.values, "id": reading.id, "time": format_time(reading.time), **place}
    device = reading.device or DESK
    return Delivery(reading.feed, device, orjson.dumps(body), now, DOOR, b"", wall=wall)


def _faults(feed: FeedSpec, reading: ManualReading, now: datetime) -> list[Mapping[str, str]]:
    """Return all that can be told without the registry."""
    found = [
        _fault(f"values.{name}", refusal.reason, refusal.detail)
        for name, refusal in field_faults(feed, reading.values).items()
    ]
    found += [
        _fault(f"values.{name}", "unknown_field", f"the feed has no field {name!r}")
        for name in reading.values
        if name not in feed.fields
    ]
    if not reading.values:
        found.append(_fault("values", "no_data", "enter at least one value"))
    if feed.device_required and reading.device is None:
        found.append(_fault("device", "no_device", "choose the device that it is of"))
    if not feed.device_required and reading.device is not None:
        found.append(_fault("device", "wrong_feed", "this feed has no devices"))
    if reading.time > now + SKEW_MAX:
        found.append(_fault("time", "future_time", "it lies ahead"))
    elif reading.time < now - AGE_MAX:
        found.append(_fault("time", "old_time", f"it is older than {AGE_MAX.days} days: import it as history"))
    return found


def _fault(field: str, code: str, message: str) -> Mapping[str, Any]:
    return {"field": field, "code": code, "message": message}
