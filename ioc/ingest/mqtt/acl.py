"""Which device a topic speaks for, and whether the authenticated device may use it. Pure.

A device publishes as itself; a gateway also for the devices whose parent it is (SECURITY S25). A topic that is not the
device's own is no reason to hang up: the message is kept as a dead letter `forbidden_topic` and acknowledged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ioc.ingest.pipeline.delivery import Registry

TOPIC = re.compile(r"ioc/v1/([a-z0-9][a-z0-9_-]{0,63})/([a-z0-9][a-z0-9._-]{0,63})")


@dataclass(frozen=True, slots=True)
class Route:
    """The feed and device of an allowed topic."""

    feed: str
    device: str


def route(topic: str, own: str, registry: Registry) -> Route | None:
    """Return where a message of device ``own`` under ``topic`` belongs, or None: it may not publish there."""
    match = TOPIC.fullmatch(topic)
    if match is None:
        return None
    feed, device = match[1], match[2]
    if device != own and not _is_child(device, own, registry):
        return None
    return Route(feed, device)


def own_topic(device: str, registry: Registry) -> str:
    """Return where a device may publish, to tell one that publishes elsewhere."""
    known = registry.device(device)
    return f"ioc/v1/{known.feed if known is not None else 'its feed'}/{device}"


def _is_child(device: str, gateway: str, registry: Registry) -> bool:
    parent, child = registry.device(gateway), registry.device(device)
    return parent is not None and parent.gateway and child is not None and child.parent == gateway
