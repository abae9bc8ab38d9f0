"""Every adapter, on its own examples and on what breaks parsers: a new one is tested by being registered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import ioc.ingest.adapters
from ioc.domain.device import Device
from ioc.domain.event import DeadLetter, Message, canonical
from ioc.domain.feed import Label
from ioc.domain.people.account import KeyRecord
from ioc.domain.places.area import Area
from ioc.ingest.adapters.registry import ADAPTERS, BY_CONTENT_TYPE, JSON
from ioc.ingest.pipeline.decoder import DecodeError
from ioc.ingest.pipeline.delivery import Delivery
from ioc.ingest.pipeline.preparation import Preparer
from ioc.ingest.pipeline.ready import ReadyItem, RefusedItem
from ioc.packs.loader import load_pack
from proof.corpus import BODIES, ID
from tests.builders import NOON

FOLDER = Path(ioc.ingest.adapters.__file__).parent
FEEDS = load_pack("hoabinh", shapes=False).feeds


def examples_of(name: str) -> list[dict[str, Any]]:
    return list(json.loads((FOLDER / name / "examples.json").read_text(encoding="utf-8")))


EXAMPLES = [(name, example) for name in ADAPTERS for example in examples_of(name)]


class EveryDevice:
    """A registry that knows each device that an example names, registered for the feed that it speaks to."""

    def __init__(self, items: Sequence[ReadyItem | RefusedItem]) -> None:
        self._feeds = {item.device: item.feed for item in items if isinstance(item, ReadyItem)}

    def device(self, device_id: str) -> Device | None:
        return Device(device_id, self._feeds[device_id] or "", Label("x", "x"), datetime(2020, 1, 1, tzinfo=UTC))

    def key(self, secret: str) -> KeyRecord | None:
        del secret
        return None

    def areas_of_today(self) -> Sequence[Area]:
        return ()

    async def refresh(self) -> None:
        """Nothing to read."""


def read(name: str, body: object, content_type: str) -> Sequence[ReadyItem | RefusedItem]:
    content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else canonical(body)
    return ADAPTERS[name].read(content, content_type=content_type, feeds=FEEDS)


def test_each_adapter_has_a_folder_and_each_folder_is_registered():
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == set(ADAPTERS)


def test_a_content_type_of_its_own_names_one_format():
    named = [kind for adapter in ADAPTERS.values() for kind in adapter.content_types if kind != JSON]
    assert len(named) == len(set(named)) == len(BY_CONTENT_TYPE)


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_adapter_shows_what_it_takes_and_what_it_refuses(name: str):
    told = examples_of(name)
    assert any("items" in example for example in told)
    assert any("unreadable" in example for example in told)
    assert {example["content_type"] for example in told} == set(ADAPTERS[name].content_types)


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[f"{name}: {one['example']}" for name, one in EXAMPLES])
def test_an_example_is_read_as_it_says(name: str, example: Mapping[str, Any]):
    """Its items are readings that the pack's feeds take, without a mark; `registered` is the feed of its device."""
    if "unreadable" in example:
        with pytest.raises(DecodeError) as refused:
            read(name, example["body"], example["content_type"])
        assert refused.value.refusal.reason == example["unreadable"]
        assert refused.value.refusal.detail
        return
    found = read(name, example["body"], example["content_type"])
    told = [
        {"refused": item.refusal.reason} if isinstance(item, RefusedItem) else item._asdict() for item in found
    ]  # fmt: skip
    assert told == example["items"]
    registered = example.get("registered", "rainfall")
    sent = Delivery(registered, None, b"{}", NOON, "http", b"n", ready=[
        item._replace(feed=item.feed or registered) if isinstance(item, ReadyItem) else item for item in found
    ])  # fmt: skip
    made = Preparer(feeds=FEEDS, registry=EveryDevice(sent.ready or ()), events_max=1_000).prepare(sent)
    for item, one in zip(found, made, strict=True):
        if isinstance(item, RefusedItem):
            assert isinstance(one, DeadLetter)
            assert (one.reason, one.detail, one.raw) == (item.refusal.reason, item.refusal.detail, item.raw)
        else:
            assert isinstance(one, Message), one
            assert one.flags == (), one.remark
            assert one.raw == canonical(item.members)


@pytest.mark.parametrize("name", ADAPTERS)
def test_what_breaks_parsers_ends_with_a_reason(name: str):
    """No other error leaves an adapter, and its refusals are told in words."""
    for kind in ADAPTERS[name].content_types:
        for body in (body.replace(ID, b"1") for body, _ in BODIES.values()):
            try:
                found = read(name, body, kind)
            except DecodeError as error:
                found = [RefusedItem(error.refusal, body)]
            assert found, body
            refusals = [item.refusal for item in found if isinstance(item, RefusedItem)]
            assert all(refusal.reason and refusal.detail for refusal in refusals), body
