"""Every setting: unit, default, bound. One frozen object, read once by the composition root.

Sources, highest first: command line, environment `IOC_*`, `ioc.toml` in the working folder, the default here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ioc.errors import SettingsError


def unit(name: str) -> dict[str, Any]:
    """Return the schema note that carries a setting's unit."""
    return {"unit": name}


DOORS_MAX = 16


class Settings(BaseSettings):
    """All settings of one instance."""

    model_config = SettingsConfigDict(
        env_prefix="IOC_", toml_file="ioc.toml", frozen=True, extra="ignore", env_ignore_empty=True
    )

    database_url: Annotated[str | None, Field(description="PostgreSQL to use; unset: embedded")] = None
    pg_bin: Annotated[Path | None, Field(description="Folder of PostgreSQL programs for the embedded server")] = None
    data_dir: Annotated[Path, Field(description="Folder of the instance's own files")] = Path("data/ioc")
    pack: Annotated[str, Field(description="Pack: a name shipped in ioc/packs or a folder")] = "hoabinh"

    http_host: Annotated[str, Field(description="Address of the HTTP door, API and screens")] = "127.0.0.1"
    http_port: Annotated[int, Field(description="Port of the same; 0 picks a free one", ge=0, le=65535)] = 8000
    http_hosts: Annotated[
        str,
        Field(description="Names it answers to, with commas; unset: any IP address, localhost, the machine's own name"),
    ] = ""
    security_contact: Annotated[
        str | None,
        Field(description="Contact of /.well-known/security.txt; unset: mailto:security@ and the server's name"),
    ] = None
    mqtt_host: Annotated[str, Field(description="Address of the MQTT door")] = "127.0.0.1"
    mqtt_port: Annotated[int, Field(description="Port of the MQTT door; 0 picks a free one", ge=0, le=65535)] = 1883
    mqtt_plain_anywhere: Annotated[
        bool, Field(description="Let IOC_MQTT_HOST be more than loopback: keys and readings cross the network in clear")
    ] = False

    tls: Annotated[Literal["self"] | None, Field(description="self: certificates of this instance's own")] = None
    http_tls_cert: Annotated[Path | None, Field(description="Certificate chain (PEM): HTTPS on IOC_HTTP_PORT")] = None
    http_tls_key: Annotated[Path | None, Field(description="Its private key (PEM)")] = None
    mqtt_tls_host: Annotated[str, Field(description="Address of MQTT over TLS")] = "0.0.0.0"  # noqa: S104 - keys are safe there
    mqtt_tls_port: Annotated[
        int | None, Field(description="Port of MQTT over TLS; 0 picks a free one; unset: none", ge=0, le=65535)
    ] = None
    mqtt_tls_cert: Annotated[Path | None, Field(description="Certificate chain (PEM) of MQTT over TLS")] = None
    mqtt_tls_key: Annotated[Path | None, Field(description="Its private key (PEM)")] = None
    mqtt_tls_client_ca: Annotated[
        Path | None, Field(description="Who signs certificates of devices (PEM); unset: none is asked for")
    ] = None
    mqtt_tls_revoked: Annotated[
        Path | None, Field(description="SHA-256 fingerprints of revoked device certificates, one a line")
    ] = None

    batch_rows: Annotated[
        int, Field(description="Flush the batch at this many messages", ge=1, le=10_000, json_schema_extra=unit("rows"))
    ] = 2_000
    batch_milliseconds: Annotated[
        int,
        Field(description="A small batch waits this long for more, while more comes", ge=0, le=1_000,
              json_schema_extra=unit("ms")),
    ] = 4  # fmt: skip
    queue_rows_max: Annotated[
        int, Field(description="Messages waiting for a commit", ge=100, le=1_000_000, json_schema_extra=unit("rows"))
    ] = 20_000
    queue_bytes_max: Annotated[
        int, Field(description="Bytes waiting for a commit", ge=1 << 16, le=1 << 32, json_schema_extra=unit("bytes"))
    ] = 64 << 20
    body_bytes_max: Annotated[
        int, Field(description="One MQTT payload or single HTTP event", ge=1_024, json_schema_extra=unit("bytes"))
    ] = 256 << 10
    batch_body_bytes_max: Annotated[
        int, Field(description="One HTTP body holding a batch, unpacked", ge=1_024, json_schema_extra=unit("bytes"))
    ] = 4 << 20
    batch_events_max: Annotated[
        int, Field(description="Events in one body", ge=1, le=100_000, json_schema_extra=unit("events"))
    ] = 1_000
    dead_letters_per_hour: Annotated[
        int,
        Field(description="Dead letters kept of one device in an hour, by each process; more are counted; 0: all",
              ge=0, le=1_000_000),
    ] = 1_000  # fmt: skip
    mqtt_doors: Annotated[
        int,
        Field(description="Door processes that share the MQTT ports; limits hold for each", ge=1, le=DOORS_MAX,
              json_schema_extra=unit("processes")),
    ] = 1  # fmt: skip
    mqtt_door_number: Annotated[
        int, Field(description="Which of them this process is; `ioc up` sets it", ge=1, le=DOORS_MAX)
    ] = 1
    mqtt_connections_max: Annotated[
        int, Field(description="Open MQTT connections", ge=1, le=1_000_000, json_schema_extra=unit("connections"))
    ] = 10_000
    mqtt_connect_seconds: Annotated[
        float, Field(description="Time a client has for its CONNECT", ge=1, le=120, json_schema_extra=unit("s"))
    ] = 10.0
    mqtt_inflight_max: Annotated[
        int, Field(description="Unacknowledged messages of one connection", ge=1, le=65_535)
    ] = 2_000
    mqtt_inflight_bytes_max: Annotated[
        int, Field(description="The same in bytes", ge=4_096, le=1 << 30, json_schema_extra=unit("bytes"))
    ] = 4 << 20
    mqtt_messages_per_second: Annotated[
        float,
        Field(description="One MQTT connection is read at this rate; 0: any", ge=0, json_schema_extra=unit("1/s")),
    ] = 2_000.0
    mqtt_bytes_per_second: Annotated[
        float, Field(description="The same in bytes; 0: any", ge=0, json_schema_extra=unit("bytes/s"))
    ] = float(8 << 20)
    mqtt_packet_seconds: Annotated[
        float,
        Field(description="Time for a packet under way, beside 1 s a kB", ge=1, le=600, json_schema_extra=unit("s")),
    ] = 10.0
    mqtt_unread_seconds: Annotated[
        float,
        Field(description="A client that reads nothing is cut after this", ge=1, le=600, json_schema_extra=unit("s")),
    ] = 30.0
    mqtt_address_connections_max: Annotated[
        int, Field(description="Open MQTT connections of one address", ge=1, json_schema_extra=unit("connections"))
    ] = 2_000
    mqtt_address_connects_per_second: Annotated[
        float,
        Field(description="New ones of one address; over TLS a quarter; 0: any", ge=0, json_schema_extra=unit("1/s")),
    ] = 500.0
    mqtt_address_half_open_max: Annotated[
        int, Field(description="Those of them without a CONNECT yet", ge=1, json_schema_extra=unit("connections"))
    ] = 500
    mqtt_device_connects_per_minute: Annotated[
        float, Field(description="How often one device may connect; 0: any", ge=0, json_schema_extra=unit("1/min"))
    ] = 60.0
    mqtt_session_hours_max: Annotated[
        int, Field(description="A session over MQTT outlives its connection at most", ge=0, le=8_760,
                   json_schema_extra=unit("h")),
    ] = 168  # fmt: skip
    outbound_waiting_max: Annotated[
        int, Field(description="Messages waiting for one device", ge=1, le=50_000, json_schema_extra=unit("messages"))
    ] = 1_000
    http_connections_max: Annotated[
        int, Field(description="Open HTTP connections", ge=16, le=1_000_000, json_schema_extra=unit("connections"))
    ] = 4_096
    http_connections_per_address_max: Annotated[
        int, Field(description="Of these from one address; behind a trusted proxy, its requests at once", ge=4,
                   le=1_000_000, json_schema_extra=unit("connections")),
    ] = 256  # fmt: skip
    http_requests_per_connection_max: Annotated[
        int, Field(description="Requests after which a connection ends", ge=1, json_schema_extra=unit("requests"))
    ] = 1_000
    http_header_seconds: Annotated[
        float, Field(description="Time for a whole request header", ge=0.5, le=120, json_schema_extra=unit("s"))
    ] = 10.0
    http_idle_seconds: Annotated[
        float, Field(description="A connection between requests ends", ge=0.5, le=3_600, json_schema_extra=unit("s"))
    ] = 30.0
    http_bytes_per_second: Annotated[
        float, Field(description="Slowest body, and slowest reader", ge=0, le=1_000_000, json_schema_extra=unit("B/s"))
    ] = 1_000.0
    http_write_seconds: Annotated[
        float, Field(description="An answer that nobody reads is cut", ge=0.5, le=600, json_schema_extra=unit("s"))
    ] = 20.0
    http_requests_per_minute: Annotated[
        int,
        Field(description="Requests of one account or key to the API; 0: any", ge=0, json_schema_extra=unit("1/min")),
    ] = 6_000
    http_posts_per_minute: Annotated[
        int,
        Field(description="Requests of one key that bring events, each up to a batch; 0: any", ge=0,
              json_schema_extra=unit("1/min")),
    ] = 60_000  # fmt: skip
    http_trusted_proxies: Annotated[
        str, Field(description="Addresses or networks whose X-Forwarded-For and -Proto count, with commas")
    ] = ""
    commit_timeout_seconds: Annotated[
        float, Field(description="Give up on one commit after this", ge=1, le=120, json_schema_extra=unit("s"))
    ] = 10.0

    mqtt_bridge_url: Annotated[
        str | None,
        Field(description="A site's own broker: mqtt[s]://[user[:password]@]host[:port]; unset: no bridge", repr=False),
    ] = None
    mqtt_bridge_drill: Annotated[
        bool, Field(description="This broker is for drills: a drill opens it. A drill never opens any other")
    ] = False
    mqtt_bridge_password_file: Annotated[
        Path | None, Field(description="File whose first line is the password at the broker")
    ] = None
    mqtt_bridge_ca_file: Annotated[
        Path | None, Field(description="Certificates that the broker's is checked against; unset: the system's")
    ] = None
    mqtt_bridge_cert_file: Annotated[Path | None, Field(description="Our certificate at the broker")] = None
    mqtt_bridge_key_file: Annotated[Path | None, Field(description="Its key")] = None
    mqtt_bridge_client_id: Annotated[
        str | None, Field(description="Client id at the broker, one for each bridge; unset: made once and kept")
    ] = None
    mqtt_bridge_protocol: Annotated[str, Field(description="MQTT version: 5 or 3.1.1", pattern=r"^(5|3\.1\.1)$")] = "5"
    mqtt_bridge_topics: Annotated[
        str | None, Field(description="Topic filters, comma separated; unset: every device of every feed")
    ] = None
    mqtt_bridge_share: Annotated[
        str | None, Field(description="Name of a shared subscription, the same for several bridges; unset: not shared")
    ] = None
    mqtt_bridge_inflight_max: Annotated[
        int, Field(description="Messages the broker may hand over before the first is acknowledged", ge=1, le=65_535)
    ] = 2_000
    mqtt_bridge_session_hours: Annotated[
        int, Field(description="The broker keeps our session while away (MQTT 5)", ge=1, json_schema_extra=unit("h"))
    ] = 168
    mqtt_bridge_keepalive_seconds: Annotated[
        int, Field(description="A silent broker is asked after this", ge=2, le=3_600, json_schema_extra=unit("s"))
    ] = 30
    mqtt_bridge_receipts: Annotated[
        bool, Field(description="Publish ioc/v1/receipts/{device} through the broker after each commit")
    ] = True

    disk_path: Annotated[
        Path | None, Field(description="Folder on the volume of the database; embedded: known, else unset: unwatched")
    ] = None
    disk_full_percent: Annotated[
        int,
        Field(description="The intake pauses when the volume is this full", ge=50, le=99, json_schema_extra=unit("%")),
    ] = 90
    disk_free_enough_gib: Annotated[
        float, Field(description="A volume with this much free is never full", ge=0.0, le=10_000,
                     json_schema_extra=unit("GiB")),
    ] = 20.0  # fmt: skip
    media_bytes_max: Annotated[
        int, Field(description="One picture or paper", ge=65_536, le=32 << 20, json_schema_extra=unit("bytes"))
    ] = 10 << 20
    media_account_mib_per_day: Annotated[
        int, Field(description="Media stored of one account in 24 hours", ge=1, json_schema_extra=unit("MiB"))
    ] = 200
    media_total_mib_max: Annotated[int, Field(description="All media", ge=1, json_schema_extra=unit("MiB"))] = 10_240

    rollup_milliseconds: Annotated[
        int, Field(description="Time between roll-up flushes", ge=10, le=60_000, json_schema_extra=unit("ms"))
    ] = 1_000
    poll_milliseconds: Annotated[
        int, Field(description="Poll when no wake-up came", ge=10, le=60_000, json_schema_extra=unit("ms"))
    ] = 500
    snapshot_seconds: Annotated[
        float, Field(description="Time between rule memory snapshots", ge=0.1, le=600, json_schema_extra=unit("s"))
    ] = 10.0
    stop_seconds: Annotated[
        float, Field(description="Deadline for a role to stop", ge=1, le=300, json_schema_extra=unit("s"))
    ] = 15.0

    stream_clients_max: Annotated[int, Field(description="Open streams of one api process", ge=1, le=100_000)] = 500
    stream_clients_per_caller_max: Annotated[
        int, Field(description="Of these through one session or key", ge=1, le=100_000)
    ] = 50
    stream_queue_max: Annotated[
        int, Field(description="Changes waiting for one stream before it is cut", ge=10, le=100_000)
    ] = 1_000
    session_idle_minutes: Annotated[
        int, Field(description="A session ends after this long without use", ge=1, json_schema_extra=unit("min"))
    ] = 30
    session_hours_max: Annotated[
        int, Field(description="A session ends after this long in any case", ge=1, json_schema_extra=unit("h"))
    ] = 12

    retention_event_days: Annotated[
        int, Field(description="Keep events and keys", ge=1, json_schema_extra=unit("days"))
    ] = 90
    retention_dead_letter_days: Annotated[
        int, Field(description="Keep dead letters", ge=1, json_schema_extra=unit("days"))
    ] = 30
    retention_outbound_days: Annotated[
        int, Field(description="Keep messages to devices after their end", ge=1, json_schema_extra=unit("days"))
    ] = 30
    retention_media_days: Annotated[
        int, Field(description="Keep media, and longer while an event or open alert has them", ge=1,
                   json_schema_extra=unit("days")),
    ] = 365  # fmt: skip
    retention_series_5m_days: Annotated[
        int, Field(description="Keep 5 min buckets", ge=1, json_schema_extra=unit("days"))
    ] = 731
    retention_series_1h_days: Annotated[
        int, Field(description="Keep 1 h buckets", ge=1, json_schema_extra=unit("days"))
    ] = 3_653

    audit_anchor_file: Annotated[
        Path | None, Field(description="Where the audit trail is anchored; unset: in the data folder")
    ] = None
    audit_anchor_url: Annotated[
        str | None, Field(description="Another PostgreSQL to anchor the audit trail in, instead of a file", repr=False)
    ] = None
    audit_anchor_seconds: Annotated[
        float, Field(description="Anchor the audit trail once in", ge=1, le=86_400, json_schema_extra=unit("s"))
    ] = 300.0

    drill_accounts_file: Annotated[
        Path | None, Field(description="A drill's people, with their passwords' hashes; read once, then removed")
    ] = None
    demo: Annotated[bool, Field(description="Run the simulators and show the one-time password")] = False
    demo_scenario: Annotated[
        Literal["city", "calm", "flood"],
        Field(description="What a demo's devices play: an ordinary day after another, a quiet one, or the flood"),
    ] = "city"
    log_level: Annotated[str, Field(description="debug, info, warning or error")] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment over ioc.toml; nothing else is read."""
        del dotenv_settings, file_secret_settings
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


PORT_MAX = 65_535
PORT = re.compile(r":([^\]:]+)$")
"""The port of a server, also of one whose address is an IPv6 in brackets."""
OTHER_VARIABLES = frozenset({"IOC_COMPILED", "IOC_KEY", "IOC_SUPERVISED_BY", "IOC_SUPERVISOR_PIPE"})
"""Variables of the house that are no settings."""
TEST_PREFIX = "IOC_TEST_"


def unknown_names(environment: Mapping[str, str], toml: Path = Path("ioc.toml")) -> list[tuple[str, str | None]]:
    """Return what is set under a name that no setting has, each with the setting whose name is close to it, if one is.

    A mistyped setting would do nothing and say nothing.
    """
    known = {f"IOC_{name.upper()}" for name in Settings.model_fields}
    given = [name for name in environment if name.upper().startswith("IOC_") and not name.startswith(TEST_PREFIX)]
    wrong = [(name, name.upper()) for name in given if name.upper() not in known | OTHER_VARIABLES]
    try:
        kept = tomllib.loads(toml.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # whoever reads the settings says so
        kept = {}
    wrong += [(f"{name} in {toml}", f"IOC_{name.upper()}") for name in kept if f"IOC_{name.upper()}" not in known]
    return [(shown, next(iter(get_close_matches(name, known, n=1)), None)) for shown, name in sorted(wrong)]


def read_settings(**overrides: object) -> Settings:
    """Read the settings once; ``overrides`` (from the command line) win, None means not given.

    Raises:
        SettingsError: a value is wrong; the message names the setting and its bound.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"ioc.toml cannot be read: {error}") from error
    except ValidationError as error:
        lines = [f"IOC_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("; ".join(lines)) from error
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    """Refuse what has the right type and cannot be meant; an address is not quoted, for it may hold a password."""
    if settings.data_dir.exists() and not settings.data_dir.is_dir():
        raise SettingsError(f"--data, IOC_DATA_DIR: {settings.data_dir} is a file, and must be a folder")
    for name in ("database_url", "audit_anchor_url"):
        given = getattr(settings, name)
        if given is not None and not _is_postgresql(given):
            raise SettingsError(f"IOC_{name.upper()}: an address of PostgreSQL is postgresql://user@host:5432/database")


def _is_postgresql(address: str) -> bool:
    """Tell whether this is an address of PostgreSQL, of one server or of several with commas between them."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    servers = parts.netloc.rpartition("@")[2].split(",")
    ports = [found[1] for server in servers if (found := PORT.search(server))]
    good = all(port.isdecimal() and int(port) <= PORT_MAX for port in ports)
    return parts.scheme in ("postgresql", "postgres") and good
