"""One delivery to its messages and dead letters: decode, validate, place. Pure but for the registry's memory.

A body in a foreign format is read by an adapter: at its route, whose delivery brings the events ready, or here, when
the feed or the content type names the format. Validation and everything after it is the same for every event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, cast

from ioc.domain.device import DEVICE_ID, Device, DeviceState
from ioc.domain.event import ID_CHARS_MAX, DeadLetter, Flag, Message, canonical, hash16, identity, identity_head
from ioc.domain.feed import FeedSpec, OnConflict
from ioc.domain.moment import parse_time
from ioc.domain.people.personal import set_apart, without_persons
from ioc.domain.scope import Scope
from ioc.domain.untimed import untimed_identity
from ioc.ingest.pipeline.decoder import DecodeError, Refusal, items
from ioc.ingest.pipeline.delivery import Delivery, Registry
from ioc.ingest.pipeline.fast_path import SenderTemplate, fast_fields, fast_reading
from ioc.ingest.pipeline.location import Gazetteer
from ioc.ingest.pipeline.ready import BodyReader, ReaderOf, ReadyItem, RefusedItem, own_form
from ioc.ingest.pipeline.validation import FeedCheck

LAT_MAX = 90.0
LON_MAX = 180.0
RESERVED = frozenset({"id", "time", "lat", "lon", "device"})
"""Members of every body: where and when it was, and which one."""
SENDERS_REMEMBERED_MAX = 65_536
NAME_CHARS_MAX = 64
"""So much is told of a feed or device that nobody knows: a CloudEvent may name one as long as its body."""


class _SenderState(NamedTuple):
    """What every reading of one device in one feed has in common, computed once until the registry changes."""

    device: Device | None
    areas: object
    source: str
    refusal: Refusal | None
    lat: float | None
    lon: float | None
    area: str | None
    zone: str | None
    registered_at: datetime | None
    template: SenderTemplate


class Preparer:
    """Turns deliveries into what the log takes. One per door process."""

    def __init__(
        self, *, feeds: Mapping[str, FeedSpec], registry: Registry, events_max: int, marks: tuple[str, ...] = (),
        reader_of: ReaderOf = own_form,
    ) -> None:  # fmt: skip
        """``marks`` are flags that every event gets, such as `drill`; ``reader_of`` knows the foreign formats."""
        self._feeds = feeds
        self._checks = {name: FeedCheck(feed) for name, feed in feeds.items()}
        self._quick_checks = {
            # A body that an adapter must read may look like one of the feed's own form: it never takes the fast path.
            name: fast_fields(check) if feeds[name].adapter is None else {}
            for name, check in self._checks.items()
        }
        self._reader_of = reader_of
        self._registry = registry
        self._events_max = events_max
        self._marks = marks
        self._gazetteer: Gazetteer | None = None
        self._gazetteer_areas: object = None
        self._senders: dict[tuple[str, str], _SenderState] = {}

    @property
    def feeds(self) -> Mapping[str, FeedSpec]:
        """The feeds that there are, by name."""
        return self._feeds

    def area_at(self, lat: float, lon: float) -> str | None:
        """Return the unit of today that holds a point."""
        return self._places().area_at(lat, lon)

    def prepare(self, delivery: Delivery) -> list[Message | DeadLetter]:
        """Return one message or dead letter per event, in order; a body that cannot be read gives one dead letter."""
        return [self._without_persons(one) if type(one) is DeadLetter else one for one in self._prepare(delivery)]

    def _without_persons(self, letter: DeadLetter) -> DeadLetter:
        """Return a dead letter that says of nobody who they are, where its feed is one in which people speak."""
        feed = self._feeds.get(letter.feed or "")
        if feed is None or not feed.personal:
            return letter
        raw = without_persons(feed, letter.raw, reserved=RESERVED)
        return replace(letter, raw=raw, raw_bytes=len(letter.raw) if letter.raw_bytes is None else letter.raw_bytes)

    def _prepare(self, delivery: Delivery) -> list[Message | DeadLetter]:
        feed, ready = self._feeds.get(delivery.feed), delivery.ready
        if ready is not None:
            return self._each_ready(delivery, ready)
        if feed is None:
            return [_letter(delivery, _unknown_feed(delivery.feed))]
        if delivery.device is not None and self._events_max and not delivery.history:
            sender = self._sender(feed, delivery.device)
            wall = delivery.wall
            may_pass = sender.refusal is None and (wall is None or _inside(sender, wall))
            if may_pass and (message := fast_reading(delivery, sender.template)) is not None:
                return [message]
        return self.prepare_fully(delivery, feed)

    def prepare_fully(self, delivery: Delivery, feed: FeedSpec) -> list[Message | DeadLetter]:
        """Return what :meth:`prepare` returns of a body that is not read yet, by the full path."""
        read = self._reader_of(feed, delivery.content_type)
        if read is not None:
            return self._adapted(delivery, read)
        try:
            found = items(delivery.body, newline_delimited=False, events_max=self._events_max)
        except DecodeError as error:
            return [_letter(delivery, error.refusal)]
        prepared: list[Message | DeadLetter] = []
        for number, item in enumerate(found):
            if isinstance(item, Refusal):
                prepared.append(_letter(delivery, item))
                continue
            raw, named = canonical(item), item.get("device")
            message = self._message(delivery, feed, item, number=number, raw=raw)
            if isinstance(message, Refusal):
                sender = _named_sender(delivery, named)
                letter = _letter(sender, message, raw=delivery.body if len(found) == 1 else raw)
                prepared.append(self._placed(letter, item))
            else:
                prepared.append(message)
        return prepared

    def _adapted(self, delivery: Delivery, read: BodyReader) -> list[Message | DeadLetter]:
        """Return what :meth:`prepare` returns of a foreign body that came in as one of a feed, perhaps of a device."""
        try:
            found = read(delivery.body, content_type=delivery.content_type or "", feeds=self._feeds)
        except DecodeError as error:
            return [_letter(delivery, error.refusal)]
        return self._each_ready(delivery, [_within_claim(delivery, item) for item in found])

    def _each_ready(self, delivery: Delivery, ready: Sequence[ReadyItem | RefusedItem]) -> list[Message | DeadLetter]:
        """Return one message or dead letter for each event that an adapter has read."""
        if not ready:
            return [_letter(delivery, Refusal("empty", "there is no event in it"))]
        if len(ready) > self._events_max:
            return [_letter(delivery, Refusal("too_many_events", f"more than {self._events_max} events in one body"))]
        prepared: list[Message | DeadLetter] = []
        for number, item in enumerate(ready):
            if isinstance(item, RefusedItem):
                prepared.append(_letter(delivery, item.refusal, raw=item.raw))
                continue
            raw = canonical(item.members)
            one = delivery
            if item.feed is not None or item.device is not None:
                one = delivery._replace(feed=item.feed or delivery.feed, device=item.device or delivery.device)
            feed = self._feeds.get(one.feed)
            message = (
                self._message(one, feed, dict(item.members), number=number, raw=raw)
                if feed is not None
                else _unknown_feed(one.feed)
            )
            if isinstance(message, Refusal):
                letter = _letter(_named_sender(one, item.members.get("device")), message, raw=raw)
                prepared.append(self._placed(letter, item.members))
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
        refusal = _refusal(sender, delivery.wall, device_id)
        if refusal is not None:
            return refusal
        reserved = _reserved(item, retained=delivery.retained)
        if isinstance(reserved, Refusal):
            return reserved
        message_id, time, lat, lon = reserved
        checked = self._checks[feed.id].check(item)
        if isinstance(checked, Refusal):
            return checked
        data, flags, remark = checked
        feed.add_sums(data)
        personal = set_apart(feed, data)
        raw_kept = without_persons(feed, raw, reserved=RESERVED) if personal else raw
        flags = (*flags, *self._marks)
        content = hash16(raw)
        if message_id is None and time is None:
            flags = (*flags, Flag.ANONYMOUS)
            content = hash16(raw, delivery.nonce, number.to_bytes(4, "big"))
        if delivery.history:
            flags = (*flags, Flag.HISTORY)
        if message_id is None or time is not None:
            identified = identity(sender.source, message_id, time, content)
        else:
            identified = untimed_identity(sender.source, message_id, content, delivery.received_at)
        area, zone = sender.area, sender.zone
        if lat is None or lon is None:
            lat, lon = sender.lat, sender.lon
        elif sender.device is None or sender.device.area is None:
            area, zone = self._place(lat, lon)
        if delivery.wall is not None and not delivery.wall.sees(area=area, zone=zone):
            return Refusal("outside_area", "this key is for another area: what it sends must lie in its own")
        # By position: keyword arguments of a tuple cost five times as much. The order is that of Message.
        return Message(
            feed.id, device_id, *identified, content, data, delivery.received_at, delivery.door, message_id, time,
            lat, lon, area, zone, flags, feed.on_conflict is OnConflict.REVISE, sender.registered_at,
            raw_kept, remark, personal,
        )  # fmt: skip

    def _sender(self, feed: FeedSpec, device_id: str) -> _SenderState:
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
        template = SenderTemplate(
            self._quick_checks[feed.id], self._checks[feed.id].required, feed.id, device_id, identity_head(source),
            feed.on_conflict is OnConflict.REVISE, self._marks, lat, lon, area, zone, registered_at,
        )  # fmt: skip
        made = _SenderState(
            device, areas, source, _not_allowed(feed, device, device_id), lat, lon, area, zone, registered_at, template
        )
        self._senders[feed.id, device_id] = made
        return made

    def _placed(self, letter: DeadLetter, members: Mapping[str, Any]) -> DeadLetter:
        """Return a dead letter of an unknown device with the unit in which it says it is: who sees that sees it."""
        if letter.reason != "unknown_device":
            return letter
        lat, lon = members.get("lat"), members.get("lon")
        if not (_within(lat, LAT_MAX) and _within(lon, LON_MAX)):
            return letter
        return replace(letter, area=self._place(cast("float", lat), cast("float", lon))[0])

    def _place(self, lat: float, lon: float) -> tuple[str | None, str | None]:
        gazetteer = self._places()
        area = gazetteer.area_at(lat, lon)
        return area, gazetteer.zone_of(area)

    def _places(self) -> Gazetteer:
        areas = self._registry.areas_of_today()
        if self._gazetteer is None or areas is not self._gazetteer_areas:
            self._gazetteer, self._gazetteer_areas = Gazetteer(areas), areas
        return self._gazetteer


def _within_claim(delivery: Delivery, item: ReadyItem | RefusedItem) -> ReadyItem | RefusedItem:
    """Return an item, refused where it names another feed or device than its topic or route: neither claims another."""
    if isinstance(item, RefusedItem):
        return item
    if item.feed is not None and item.feed != delivery.feed:
        refusal = Refusal("wrong_feed", f"it names the feed {item.feed[:NAME_CHARS_MAX]}, and came for {delivery.feed}")
    elif None not in (item.device, delivery.device) and item.device != delivery.device:
        device = str(item.device)[:NAME_CHARS_MAX]
        refusal = Refusal("wrong_device", f"it names the device {device}, and came for {delivery.device}")
    else:
        return item
    return RefusedItem(refusal, canonical(item.members))


def _unknown_feed(name: str) -> Refusal:
    return Refusal("unknown_feed", f"there is no feed {name[:64]!r}")


def _not_allowed(feed: FeedSpec, device: Device | None, device_id: str) -> Refusal | None:
    if device is None:
        if feed.device_required:
            return Refusal("unknown_device", f"{device_id[:NAME_CHARS_MAX]} is not registered")
        if DEVICE_ID.fullmatch(device_id) is None:
            return Refusal("no_device", f"{device_id[:NAME_CHARS_MAX]!r} is no device id")
        return None
    if device.feed != feed.id:
        return Refusal("wrong_feed", f"{device_id} is registered for {device.feed}")
    if device.state is DeviceState.RETIRED:
        return Refusal("retired_device", f"{device_id} is retired")
    return None


def _inside(sender: _SenderState, wall: Scope) -> bool:
    """Tell whether a registered device, and where its readings without a place of their own lie, are inside a wall."""
    device = sender.device
    if device is None or not wall.sees(area=device.area, zone=device.zone):
        return False
    return wall.sees(area=sender.area, zone=sender.zone)


def _refusal(sender: _SenderState, wall: Scope | None, device_id: str) -> Refusal | None:
    """Return why nobody, or no key with this wall, may speak for a device.

    A device of another area is told exactly as one that nobody knows: a key learns nothing of what lies beyond.
    """
    device, refusal = sender.device, sender.refusal
    if wall is None:
        return refusal
    is_unknown = refusal is not None and device is None
    if is_unknown or (device is not None and not wall.sees(area=device.area, zone=device.zone)):
        return Refusal("unknown_device", f"{device_id[:NAME_CHARS_MAX]} is not registered in this key's area")
    return refusal


def _reserved(item: dict[str, Any], *, retained: bool) -> tuple[str | None, Any, float | None, float | None] | Refusal:
    """Take the reserved members out of ``item`` and check them."""
    take = item.pop
    message_id, time, lat, lon = take("id", None), take("time", None), take("lat", None), take("lon", None)
    if type(message_id) is int:
        message_id = str(message_id)
    if message_id is not None and not (type(message_id) is str and 0 < len(message_id) <= ID_CHARS_MAX):
        return Refusal("bad_id", f"id is a text of 1 to {ID_CHARS_MAX} letters")
    if time is not None:
        try:
            time = parse_time(time)
        except (ValueError, TypeError):
            return Refusal("bad_time", f"time is neither RFC 3339 nor Unix time in s or ms: {str(time)[:60]!r}")
    if (lat is None) != (lon is None):
        return Refusal("bad_place", "lat and lon come together")
    if lat is not None and not (_within(lat, LAT_MAX) and _within(lon, LON_MAX)):
        return Refusal("bad_place", "lat is within ±90, lon within ±180 degrees")
    if retained and time is None:
        return Refusal("retained_without_time", "a broker's kept copy may be of any age: send `time` with it")
    return message_id, time, lat, lon


def _within(value: object, limit: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -limit <= value <= limit


def _named_sender(delivery: Delivery, named: object) -> Delivery:
    """Return a delivery with the device that its item has named, where its sender left that to the item."""
    if delivery.device is not None or not isinstance(named, str) or DEVICE_ID.fullmatch(named) is None:
        return delivery
    return delivery._replace(device=named)


def _letter(delivery: Delivery, refusal: Refusal, *, raw: bytes | None = None) -> DeadLetter:
    return DeadLetter(
        door=delivery.door,
        feed=delivery.feed[:NAME_CHARS_MAX],
        device=delivery.device and delivery.device[:NAME_CHARS_MAX],
        reason=refusal.reason,
        detail=refusal.detail,
        raw=delivery.body if raw is None else raw,
        received_at=delivery.received_at,
        topic=delivery.topic,
        content_type=delivery.content_type,
        field=refusal.field,
    )
