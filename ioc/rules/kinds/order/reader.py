"""Reads `measured` and `orders`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.domain.feed import FeedSpec, FieldType
from ioc.rules.kinds.order.spec import Order
from ioc.rules.kinds.reading import DAY_US, KindParts, RuleSource, number
from ioc.rules.language.clause import Vocabulary
from ioc.rules.language.members import RuleError, compiled, duration_at, members_of

TIME = (FieldType.TIME,)
NAME = (FieldType.TEXT, FieldType.INTEGER)


def order(source: RuleSource) -> KindParts:
    """Return what is measured, and the fields of an order that say what it should be."""
    body = source.body
    if body.get("where") is not None:
        raise RuleError("every reading and every order counts", path="where", hint="leave it out")
    if body.get("by", ["device"]) not in ("device", ["device"]):
        raise RuleError("orders are of a device that is measured", path="by", hint="[device], or leave it out")
    measured = members_of(body.get("measured"), "measured", needed={"feed", "field"}, allowed=set())
    known = members_of(
        body.get("orders"), "orders", needed={"feed", "device", "of", "at", "on", "grace"}, allowed={"until", "number"}
    )
    field = _field(source.feeds, measured, "measured", "field", (FieldType.INTEGER,))
    found: dict[str, str | None] = {
        name: None if known.get(name) is None else _field(source.feeds, known, "orders", name, types)
        for name, types in {
            "device": (FieldType.TEXT,), "of": NAME, "at": TIME, "until": TIME, "number": (FieldType.TEXT,),
        }.items()
    }  # fmt: skip
    device, of, at = found["device"], found["of"], found["at"]
    assert device is not None and of is not None and at is not None, "members_of has them"  # noqa: PT018 - one reason
    vocabulary = Vocabulary(
        {name: spec.type for name, spec in source.feeds[known["feed"]].fields.items()}, compiles=source.compiles
    )
    grace_us = duration_at(known["grace"], "orders.grace", default_us=0)
    if grace_us > DAY_US:
        raise RuleError("at most 24h", path="orders.grace")
    spec = Order(
        feed=measured["feed"],
        field=field,
        orders=known["feed"],
        device=device,
        of=of,
        at=at,
        until=found["until"],
        number=found["number"],
        on=compiled(vocabulary, known["on"], "orders.on"),
        grace_us=grace_us,
    )
    unit = source.feeds[spec.feed].fields[field].unit
    names = {
        "measured": number("measured", "số đo được", "measured", unit=unit),
        "ordered": number("ordered", "số theo lệnh", "ordered", unit=unit),
        "ordered_min": number("ordered_min", "số ít nhất theo lệnh", "ordered at least", unit=unit),
        "ordered_max": number("ordered_max", "số nhiều nhất theo lệnh", "ordered at most", unit=unit),
    }
    return KindParts(
        spec, names, inputs=(field,), default_when="measured < ordered_min || measured > ordered_max",
        hold_allowed=False,
    )  # fmt: skip


def _field(
    feeds: Mapping[str, FeedSpec], known: Mapping[str, Any], path: str, name: str, types: tuple[FieldType, ...]
) -> str:
    feed = known["feed"]
    if not isinstance(feed, str) or feed not in feeds:
        raise RuleError(f"no feed {feed!r}", path=f"{path}.feed", hint=f"there are {', '.join(sorted(feeds))}")
    field = known[name]
    spec = feeds[feed].fields.get(field) if isinstance(field, str) else None
    if spec is None or spec.type not in types:
        fitting = sorted(one.name for one in feeds[feed].fields.values() if one.type in types)
        raise RuleError(
            f"{field!r} is no field of {feed} of the type {' or '.join(types)}", path=f"{path}.{name}",
            hint=f"there are {', '.join(fitting)}" if fitting else "it has none",
        )  # fmt: skip
    return spec.name
