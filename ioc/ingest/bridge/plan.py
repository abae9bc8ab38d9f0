"""How the bridge reaches a site's broker and what it asks of it: address, session, subscriptions. Pure.

A secret in the address is never shown: :attr:`BrokerAddress.display_text` leaves it out, and no error quotes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ioc.errors import SettingsError

DOOR = "mqtt_bridge"
MQTT_PORT, MQTTS_PORT = 1883, 8883
LEVEL_5 = 5
EVERY_DEVICE = "ioc/v1/+/+"
RECEIPTS = "ioc/v1/receipts/"
TOPIC = re.compile(r"ioc/v1/([a-z0-9][a-z0-9_-]{0,63})/([a-z0-9][a-z0-9._-]{0,63})")
CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SHARE = re.compile(r"[A-Za-z0-9._-]{1,64}")
FILTER_CHARS_MAX = 512
VERSION_TOPIC = "$SYS/broker/version"
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"
MOSQUITTO = re.compile(r"mosquitto version (\d+)\.(\d+)\.(\d+)")
MOSQUITTO_MIN = (2, 0, 22)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def display_text(self) -> str:
        """The address as logs and people may see it: without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BridgePlan:
    """Everything the link to the broker needs to know. ``level`` is 5, or 4 for MQTT 3.1.1."""

    address: BrokerAddress
    client_id: str
    filters: Sequence[str]
    level: int = LEVEL_5
    shared: bool = False
    inflight_max: int = 2_000
    """Messages that the broker may hand over before one is acknowledged (MQTT 5: our receive maximum)."""
    packet_bytes_max: int = 1 << 20
    session_seconds: int = 7 * 86_400
    """How long the broker keeps our session while we are away (MQTT 5)."""
    keepalive_seconds: int = 30
    session_known: bool = False
    """An earlier run of this bridge had a session at this broker: not to find it again is a loss."""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def is_5(self) -> bool:
        """Whether we speak MQTT 5."""
        return self.level == LEVEL_5


def parse_address(url: str, *, password_file: Path | None = None) -> BrokerAddress:
    """Return the address in ``mqtt[s]://[user[:password]@]host[:port]``; a file's first line wins as the password.

    Raises:
        SettingsError: it is no such address, or the file cannot be read. The message never holds the password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in {"mqtt", "mqtts"} or not host or parts.path not in {"", "/"} or parts.query:
        raise SettingsError("IOC_MQTT_BRIDGE_URL: write mqtt://[user[:password]@]host[:port], or mqtts:// for TLS")
    tls = parts.scheme == "mqtts"
    password = unquote(parts.password) if parts.password is not None else None
    if password_file is not None:
        try:
            password = password_file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"IOC_MQTT_BRIDGE_PASSWORD_FILE: {password_file} cannot be read") from error
    username = unquote(parts.username) if parts.username else None
    if password is not None and username is None:
        raise SettingsError("IOC_MQTT_BRIDGE_URL: a password needs a user name: mqtt://user@host")
    return BrokerAddress(host, port or (MQTTS_PORT if tls else MQTT_PORT), tls, username, password)


def subscriptions(topics: str | None, *, feeds: Iterable[str], share: str | None, level: int) -> list[str]:
    """Return the filters to subscribe to.

    Without ``topics`` (comma separated): every device of every feed. Our own receipts lie under the same prefix: MQTT 5
    can leave them out (no local), but neither 3.1.1 nor a shared subscription can, so there each feed has its filter.

    Raises:
        SettingsError: a filter or the share's name is not well formed.
    """
    if topics is not None:
        wanted = [item.strip() for item in topics.split(",") if item.strip()]
    elif level == LEVEL_5 and share is None:
        wanted = [EVERY_DEVICE]
    else:
        wanted = [f"ioc/v1/{feed}/+" for feed in sorted(feeds)]
    for item in wanted:
        if not _is_filter(item):
            raise SettingsError(f"IOC_MQTT_BRIDGE_TOPICS: {item[:60]!r} is no topic filter")
    if not wanted:
        raise SettingsError("IOC_MQTT_BRIDGE_TOPICS: name at least one topic filter, or leave it unset")
    if share is None:
        return wanted
    if not SHARE.fullmatch(share):
        raise SettingsError("IOC_MQTT_BRIDGE_SHARE: 1 to 64 of letters, digits, dot, dash and underscore")
    return [f"$share/{share}/{item}" for item in wanted]


def _is_filter(text: str) -> bool:
    levels = text.split("/")
    return (
        len(text) <= FILTER_CHARS_MAX
        and "\0" not in text
        and not text.startswith("$")
        and all(level in {"+", "#"} or not set(level) & set("+#") for level in levels)
        and "#" not in levels[:-1]
    )


def source_of(topic: str) -> tuple[str, str] | None:
    """Return the feed and the device that a topic names, or None: it is none of ours."""
    match = TOPIC.fullmatch(topic)
    return (match[1], match[2]) if match is not None else None


def version_complaint(text: str) -> str | None:
    """Return what is wrong with the broker's version as `$SYS/broker/version` tells it, or None."""
    match = MOSQUITTO.match(text)
    if match is None or (int(match[1]), int(match[2]), int(match[3])) >= MOSQUITTO_MIN:
        return None
    return (
        f"{match[0]} is older than 2.0.22: `max_queued_messages 0` may still drop, and its clock may start wrong; "
        "bound the queue by bytes and upgrade (docs/bridge.md)"
    )
