"""One delivery to its messages and dead letters: decode, validate, place. Pure but for the registry's memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ioc.domain.device import DEVICE_ID, Device, DeviceState
from ioc.domain.event import ID_LETTERS_MAX, DeadLetter, Flag, Message, canonical, hash16, identity, identity_head
from ioc.domain.feed import FeedSpec, OnConflict
from ioc.domain.moment import parse_time
from ioc.ingest.decode import Refusal, UnreadableError, items
from ioc.ingest.door import Delivery, Registry
from ioc.ingest.place import Gazetteer
from ioc.ingest.usual import Manner, usual_fields, usual_reading
from ioc.ingest.validate import FeedCheck

LAT_MAX = 90.0
LON_MAX = 180.0
SENDERS_REMEMBERED_MAX = 65_536


class _Sender(NamedTuple):
    """What every reading of one device in one feed has in common, worked out once while the registry stands."""

    device: Device | None
    areas: object
    source: str
    refusal: Refusal | None
    lat: float | None
    lon: float | None
    area: str | None
    zone: str | None
    registered_at: datetime | None
    manner: Manner


class Preparer:
    """Turns deliveries into what the log takes. One per door process."""

    def __init__(
        self, *, feeds: Mapping[str, FeedSpec], registry: Registry, events_max: int, marks: tuple[str, ...] = ()
    ) -> None:
        """``marks`` are flags that every event gets, such as `drill`."""
        self._feeds = feeds
        self._checks = {name: FeedCheck(feed) for name, feed in feeds.items()}
        self._usual = {name: usual_fields(check) for name, check in self._checks.items()}
        self._registry = registry
        self._events_max = events_max
        self._marks = marks
        self._gazetteer: Gazetteer | None = None
        self._gazetteer_areas: object = None
        self._senders: dict[tuple[str, str], _Sender] = {}

    def prepare(self, delivery: Delivery) -> list[Message | DeadLetter]:
        """Return one message or dead letter per event, in order; a body that cannot be read gives one dead letter."""
        feed = self._feeds.get(delivery.feed)
        if feed is None:
            return [_letter(delivery, Refusal("unknown_feed", f"there is no feed {delivery.feed[:64]!r}"))]
        if delivery.device is not None and self._events_max and not (delivery.history or delivery.newline_delimited):
            sender = self._sender(feed, delivery.device)
            if sender.refusal is None and (usual := usual_reading(delivery, sender.manner)) is not None:
                return [usual]
        return self._closely(delivery, feed)

    def _closely(self, delivery: Delivery, feed: FeedSpec) -> list[Message | DeadLetter]:
        """Return what :meth:`prepare` returns, looking at everything."""
        try:
            found = items(delivery.body, newline_delimited=delivery.newline_delimited, events_max=self._events_max)
        except UnreadableError as error:
            return [_letter(delivery, error.refusal)]
        prepared: list[Message | DeadLetter] = []
        for number, item in enumerate(found):
            if isinstance(item, Refusal):
                prepared.append(_letter(delivery, item))
                continue
            raw = canonical(item)
            message = self._message(delivery, feed, item, number=number, raw=raw)
            if isinstance(message, Refusal):
                prepared.append(_letter(delivery, message, raw=delivery.body if len(found) == 1 else raw))
            else:
                prepared.append(message)
        return prepared

    def _message(
        self, delivery: Delivery, feed: FeedSpec, item: dict[str, Any], *, number: int, raw: bytes
    ) -> Message | Refusal:
        device_id = delivery.device
        if device_id is None:
            device_id = item.pop("device", None)
            if not isinstance(device_id, str) or not DEVICE_ID.fullmatch(device_id):
                return Refusal("no_device", "name the device: ?device= or the member `device`")
        sender = self._sender(feed, device_id)
        if sender.refusal is not None:
            return sender.refusal
        reserved = _reserved(item)
        if isinstance(reserved, Refusal):
            return reserved
        message_id, time, lat, lon = reserved
        if delivery.retained and time is None:
            return Refusal("retained_without_time", "a broker's kept copy may be of any age: send `time` with it")
        checked = self._checks[feed.id].check(item)
        if isinstance(checked, Refusal):
            return checked
        data, flags = checked
        if self._marks:
            flags = (*flags, *self._marks)
        content = hash16(raw)
        if message_id is None and time is None:
            flags = (*flags, Flag.ANONYMOUS)
            content = hash16(raw, delivery.nonce, number.to_bytes(4, "big"))
        if delivery.history:
            flags = (*flags, Flag.HISTORY)
        key, key_time = identity(sender.source, message_id, time, content)
        area, zone = sender.area, sender.zone
        if lat is None or lon is None:
            lat, lon = sender.lat, sender.lon
        elif sender.device is None or sender.device.area is None:
            area, zone = self._place(lat, lon)
        # By position: keyword arguments of a tuple cost five times as much. The order is that of Message.
        return Message(
            feed.id, device_id, key, key_time, content, data, delivery.received_at, delivery.door, message_id, time,
            lat, lon, area, zone, flags, feed.on_conflict is OnConflict.REVISE, sender.registered_at, raw,
        )  # fmt: skip

    def _sender(self, feed: FeedSpec, device_id: str) -> _Sender:
        device, areas = self._registry.device(device_id), self._registry.areas_of_today()
        known = self._senders.get((feed.id, device_id))
        if known is not None and known.device is device and known.areas is areas:
            return known
        if len(self._senders) >= SENDERS_REMEMBERED_MAX:
            self._senders.clear()
        lat = lon = area = zone = registered_at = None
        if device is not None:
            lat, lon, area, zone = device.lat, device.lon, device.area, device.zone
            registered_at = device.registered_at
            if area is None and lat is not None and lon is not None:
                area, zone = self._place(lat, lon)
        source = f"{feed.id}/{device_id}"
        manner = Manner(
            self._usual[feed.id], self._checks[feed.id].required, feed.id, device_id, identity_head(source),
            feed.on_conflict is OnConflict.REVISE, self._marks, lat, lon, area, zone, registered_at,
        )  # fmt: skip
        made = _Sender(
            device, areas, source, _not_allowed(feed, device, device_id), lat, lon, area, zone, registered_at, manner
        )
        self._senders[feed.id, device_id] = made
        return made

    def _place(self, lat: float, lon: float) -> tuple[str | None, str | None]:
        gazetteer = self._places()
        area = gazetteer.area_at(lat, lon)
        return area, gazetteer.zone_of(area)

    def _places(self) -> Gazetteer:
        areas = self._registry.areas_of_today()
        if self._gazetteer is None or areas is not self._gazetteer_areas:
            self._gazetteer, self._gazetteer_areas = Gazetteer(areas), areas
        return self._gazetteer


def _not_allowed(feed: FeedSpec, device: Device | None, device_id: str) -> Refusal | None:
    if device is None:
        if feed.device_required:
            return Refusal("unknown_device", f"{device_id} is not registered")
        return None
    if device.feed != feed.id:
        return Refusal("wrong_feed", f"{device_id} is registered for {device.feed}")
    if device.state is DeviceState.RETIRED:
        return Refusal("retired_device", f"{device_id} is retired")
    return None


def _reserved(item: dict[str, Any]) -> tuple[str | None, Any, float | None, float | None] | Refusal:
    """Take the reserved members out of ``item`` and check them."""
    take = item.pop
    message_id, time, lat, lon = take("id", None), take("time", None), take("lat", None), take("lon", None)
    if type(message_id) is int:
        message_id = str(message_id)
    if message_id is not None and not (type(message_id) is str and 0 < len(message_id) <= ID_LETTERS_MAX):
        return Refusal("bad_id", f"id is a text of 1 to {ID_LETTERS_MAX} letters")
    if time is not None:
        try:
            time = parse_time(time)
        except (ValueError, TypeError):
            return Refusal("bad_time", f"time is not RFC 3339: {str(time)[:60]!r}")
    if (lat is None) != (lon is None):
        return Refusal("bad_place", "lat and lon come together")
    if lat is not None and not (_within(lat, LAT_MAX) and _within(lon, LON_MAX)):
        return Refusal("bad_place", "lat is within ±90, lon within ±180 degrees")
    return message_id, time, lat, lon


def _within(value: object, limit: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -limit <= value <= limit


def _letter(delivery: Delivery, refusal: Refusal, *, raw: bytes | None = None) -> DeadLetter:
    return DeadLetter(
        door=delivery.door,
        feed=delivery.feed,
        device=delivery.device,
        reason=refusal.reason,
        detail=refusal.detail,
        raw=delivery.body if raw is None else raw,
        received_at=delivery.received_at,
        topic=delivery.topic,
        content_type=delivery.content_type,
    )
