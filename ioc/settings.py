"""Every setting: unit, default, bound. One frozen object, read once by the composition root.

Sources, highest first: command line, environment `IOC_*`, `ioc.toml` in the working folder, the default here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

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
        int,
        Field(
            description="A session over MQTT outlives its connection at most",
            ge=0,
            le=8_760,
            json_schema_extra=unit("h"),
        ),
    ] = 168
    outbound_waiting_max: Annotated[
        int, Field(description="Messages waiting for one device", ge=1, le=50_000, json_schema_extra=unit("messages"))
    ] = 1_000
    http_connections_max: Annotated[
        int, Field(description="Open HTTP connections", ge=16, le=1_000_000, json_schema_extra=unit("connections"))
    ] = 4_096
    http_connections_per_address_max: Annotated[
        int,
        Field(
            description="Of these from one address; behind a trusted proxy, its requests at once",
            ge=4,
            le=1_000_000,
            json_schema_extra=unit("connections"),
        ),
    ] = 256
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
        float,
        Field(
            description="A volume with this much free is never full", ge=0.0, le=10_000, json_schema_extra=unit("GiB")
        ),
    ] = 20.0

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
    retention_series_5m_days: Annotated[
        int, Field(description="Keep 5 min buckets", ge=1, json_schema_extra=unit("days"))
    ] = 731
    retention_series_1h_days: Annotated[
        int, Field(description="Keep 1 h buckets", ge=1, json_schema_extra=unit("days"))
    ] = 3_653

    drill_accounts_file: Annotated[
        Path | None, Field(description="A drill's people, with their passwords' hashes; read once, then removed")
    ] = None
    demo: Annotated[bool, Field(description="Run the simulators and show the one-time password")] = False
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


def read_settings(**overrides: object) -> Settings:
    """Read the settings once; ``overrides`` (from the command line) win, None means not given.

    Raises:
        SettingsError: a value is wrong; the message names the setting and its bound.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [f"IOC_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("; ".join(lines)) from error
