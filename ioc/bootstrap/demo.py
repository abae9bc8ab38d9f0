"""The demo's devices: a key for each device of the pack, in a file that only the simulators' user can read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ioc.assembly.context import ProcessContext
from ioc.store.registry.demo_keys import demo_keys

CITIZEN_FEED = "citizen_report"


async def write_devices(context: ProcessContext) -> Path:
    """Write devices.json (mode 0600): a working key for each device and feed, and how the pack plays its feeds.

    Keys that still work are kept.
    """
    path = context.settings.data_dir / "devices.json"
    # Yesterday comes in as history, which only a feed's key may bring.
    pack = context.pack
    feeds = tuple(sorted({CITIZEN_FEED, *pack.plays, *(device.feed for device in pack.devices)}))
    keys = await demo_keys(context.database, feeds=feeds, known=_known_secrets(path), now=context.wall.now())
    _write(path, {"devices": keys.devices, "feed_keys": keys.feeds, "plays": pack.plays})
    return path


def _known_secrets(path: Path) -> dict[str, str]:
    """Return the secrets of an earlier start, by device id and `feed:` name."""
    try:
        content = json.loads(path.read_text())
        found = {item["id"]: item["key"] for item in content["devices"]}
        found.update({f"feed:{feed}": secret for feed, secret in content["feed_keys"].items()})
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


def _write(path: Path, content: dict[str, Any]) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=1)
