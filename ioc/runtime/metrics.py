"""Every metric, declared once, on a registry that is handed in (CONTRACT, Metrics).

A label's values come from a closed set: of the code, the pack or the registry, never from what somebody sends. Who
counts sees to that (:func:`closed`); as a last resort a metric has a bound on its series, and what is beyond it is
counted as `other`, because a series once made stays for the life of its process.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Container, Iterable
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, ProcessCollector

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)

OTHER = "other"
SERIES_MAX = 2_000
"""Series of one metric in one process: feeds times reasons stay far below."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def closed(value: str, known: Container[str]) -> str:
    """Return the value where it is one of the known ones, else `other`."""
    return value if value in known else OTHER


class _Bounded:
    """A metric with labels whose series are bounded."""

    def labels(self, *values: Any, **named: Any) -> Any:
        """Return the series with these values; past the bound a new one is counted as `other`."""
        known: Collection[tuple[str, ...]] = self._metrics  # type: ignore[attr-defined] # the series by their values
        if len(known) >= SERIES_MAX and tuple(map(str, values)) not in known:
            values = (OTHER,) * len(values)
        return super().labels(*values, **named)  # type: ignore[misc]


class Counter(_Bounded, prometheus_client.Counter):
    """A counter with a bound on its series."""


class Gauge(_Bounded, prometheus_client.Gauge):
    """A gauge with a bound on its series."""


class Histogram(_Bounded, prometheus_client.Histogram):
    """A histogram with a bound on its series."""


def observe_all(histogram: prometheus_client.Histogram, values: Iterable[float]) -> None:
    """Observe many values at once: one lock for each bucket that they fall into, not three for each of them.

    It reaches into prometheus_client, which has no such verb; a test holds it to what `observe` does.
    """
    bounds: list[float] = histogram._upper_bounds  # noqa: SLF001
    counts = [0] * len(bounds)
    total = 0.0
    for value in values:
        counts[bisect_left(bounds, value)] += 1
        total += value
    for bucket, count in zip(histogram._buckets, counts, strict=True):  # noqa: SLF001
        if count:
            bucket.inc(count)
    histogram._sum.inc(total)  # noqa: SLF001


class Metrics:
    """All metrics of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        ProcessCollector(registry=registry)  # process_resident_memory_bytes, process_cpu_seconds_total and their kin
        self._declare_doors(registry)
        self._declare_bridge(registry)
        self._declare_rules(registry)
        self._declare_people(registry)
        self.clock_step_seconds = Gauge(
            "ioc_clock_step_seconds", "Step of the wall clock that the log clock did not follow", registry=registry
        )
        self.audit_anchor_broken = Gauge(
            "ioc_audit_anchor_broken", "1 where the audit trail does not reach its newest anchor", registry=registry
        )
        self.role_silent_seconds = Gauge(
            "ioc_role_silent_seconds", "How long a role has said nothing; 0 while it beats", ["kind"], registry=registry
        )
        self.build_info = Gauge("ioc_build_info", "Version of this build", ["version"], registry=registry)
        self.rules_compiled = Gauge("ioc_rules_compiled", "1 where the rules run compiled", registry=registry)

    def _declare_doors(self, registry: CollectorRegistry) -> None:
        self.ingest_events = Counter(
            "ioc_ingest_events", "Messages by what became of them", ["feed", "door", "outcome"], registry=registry
        )
        self.ingest_commit_seconds = Histogram(
            "ioc_ingest_commit_seconds", "One append transaction", buckets=LATENCY_BUCKETS, registry=registry
        )
        self.database_commit_seconds = Histogram(
            "ioc_database_commit_seconds", "A commit of one row, tried once a second", buckets=LATENCY_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self.ingest_queue_bytes = Gauge("ioc_ingest_queue_bytes", "Bytes waiting for a commit", registry=registry)
        self.ingest_full = Counter("ioc_ingest_full", "Times the intake was at its bound", ["door"], registry=registry)
        self.ingest_backlog = Counter(
            "ioc_ingest_backlog", "Events of senders that catch up (more than 60 s old)", ["door"], registry=registry
        )
        self.ingest_backlog_held = Counter(
            "ioc_ingest_backlog_held",
            "Times a sender that catches up had to wait for its turn",
            ["door"],
            registry=registry,
        )
        self.intake_paused = Gauge(
            "ioc_intake_paused", "1 while nothing is taken, by why: commit, database, disk", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.disk_used_ratio = Gauge(
            "ioc_disk_used_ratio", "Used share of the volume of the database, where it is known", registry=registry
        )
        self.durability_degraded = Gauge(
            "ioc_durability_degraded", "Settings of PostgreSQL that weaken a commit, such as fsync=off",
            registry=registry,
        )  # fmt: skip
        self.ingest_lag_seconds = Histogram(
            "ioc_ingest_lag_seconds", "Received minus observed", ["feed"], buckets=LAG_BUCKETS, registry=registry
        )
        self.dead_letters = Counter(
            "ioc_dead_letters", "Refused messages that are kept", ["feed", "reason"], registry=registry
        )
        self.dead_letters_over = Counter(
            "ioc_dead_letters_over",
            "Refused messages that are not kept: their sender has its number of dead letters of this hour",
            ["feed", "reason"], registry=registry,
        )  # fmt: skip
        self.mqtt_connections = Gauge("ioc_mqtt_connections", "Open MQTT connections", registry=registry)
        self.mqtt_refused = Counter(
            "ioc_mqtt_refused", "Connections refused or closed by the door", ["reason"], registry=registry
        )
        self.mqtt_connects_refused = Counter(
            "ioc_mqtt_connects_refused",
            "Refused CONNECTs, by registered device and address, at most 200 of them apart",
            ["reason", "device", "address"], registry=registry,
        )  # fmt: skip
        self.mqtt_slowed = Counter(
            "ioc_mqtt_slowed", "Times a connection was not read for a while: it sends more than one may",
            registry=registry,
        )  # fmt: skip
        self.mqtt_session_wait_seconds = Histogram(
            "ioc_mqtt_session_wait_seconds",
            "How long work with sessions waited for its turn, by what it is: move, grant, receipt, release, closing, "
            "delivery, beat",
            ["step"], buckets=LATENCY_BUCKETS, registry=registry,
        )  # fmt: skip
        self.mqtt_receipts_dropped = Counter(
            "ioc_mqtt_receipts_dropped", "Receipts that a device did not read in time", registry=registry
        )

    def _declare_bridge(self, registry: CollectorRegistry) -> None:
        self.bridge_connected = Gauge(
            "ioc_bridge_connected", "1 while the bridge is subscribed at its broker", registry=registry
        )
        self.bridge_connects = Counter(
            "ioc_bridge_connects", "The bridge's connections by outcome", ["outcome"], registry=registry
        )
        self.bridge_sessions_lost = Counter(
            "ioc_bridge_sessions_lost", "Times the broker had forgotten our session", registry=registry
        )
        self.bridge_acks = Counter(
            "ioc_bridge_acks", "Acknowledgements sent, or stale: of an older connection", ["outcome"], registry=registry
        )
        self.bridge_waiting = Gauge(
            "ioc_bridge_waiting", "Messages taken from the broker and not yet committed", registry=registry
        )
        self.bridge_receipts = Counter(
            "ioc_bridge_receipts", "Receipts published through the broker", ["outcome"], registry=registry
        )
        self.bridge_echoes = Counter(
            "ioc_bridge_echoes", "Our own receipts that the broker sent back", registry=registry
        )
        self.bridge_broker_dropped = Gauge(
            "ioc_bridge_broker_dropped", "Messages the broker says it dropped since its start", registry=registry
        )

    def _declare_rules(self, registry: CollectorRegistry) -> None:
        self.mqtt_outbound = Counter(
            "ioc_mqtt_outbound", "Messages to devices by how they ended", ["outcome"], registry=registry
        )
        self.mqtt_wills = Counter("ioc_mqtt_wills", "Last wills handed to the pipeline", registry=registry)
        self.outbound_refused = Counter(
            "ioc_outbound_refused", "Messages to devices that were not taken", ["reason"], registry=registry
        )
        self.rules_evaluated = Counter("ioc_rules_evaluated", "Evaluations of a rule", ["rule"], registry=registry)
        self.rules_errors = Counter("ioc_rules_errors", "Evaluations that failed", ["rule"], registry=registry)
        self.rules_no_data = Counter(
            "ioc_rules_no_data", "Conditions that a reading left without an answer", ["rule"], registry=registry
        )
        self.rules_late = Counter(
            "ioc_rules_late", "Readings older than the newest of their alert key", ["rule"], registry=registry
        )
        self.rules_full = Counter(
            "ioc_rules_full", "Entries that found the keys of a rule or the devices at their bound", registry=registry
        )
        self.rules_monitored = Counter(
            "ioc_rules_monitored", "Moves of rules in monitor mode, which raise nothing", ["rule"], registry=registry
        )
        self.rules_events_per_second = Gauge(
            "ioc_rules_events_per_second", "What the engine folds and commits when it is busy", registry=registry
        )
        self.alert_latency_seconds = Histogram(
            "ioc_alert_latency_seconds", "Received to committed alert", buckets=LATENCY_BUCKETS, registry=registry
        )
        self.alert_news_written = Counter(
            "ioc_alert_news_written", "Writes of how things are with an alert", registry=registry
        )
        self.alert_news_waiting = Gauge(
            "ioc_alert_news_waiting", "Alerts that tell something new which is not written yet", registry=registry
        )
        self.alert_transitions = Counter(
            "ioc_alert_transitions", "Committed moves of alerts", ["kind", "severity"], registry=registry
        )

    def _declare_people(self, registry: CollectorRegistry) -> None:
        self.stream_clients = Gauge("ioc_stream_clients", "Open streams", registry=registry)
        self.stream_cut = Counter("ioc_stream_cut", "Streams cut because they did not keep up", registry=registry)
        self.http_requests = Counter(
            "ioc_http_requests", "HTTP answers", ["method", "route", "status"], registry=registry
        )
        self.http_seconds = Histogram(
            "ioc_http_request_seconds", "From a request to the first byte of its answer", ["route"],
            buckets=LATENCY_BUCKETS, registry=registry,
        )  # fmt: skip
        self.http_connections = Gauge("ioc_http_connections", "Open HTTP connections", registry=registry)
        self.http_refused = Counter(
            "ioc_http_refused", "HTTP connections and requests that the guard ended", ["reason"], registry=registry
        )
        self.refusals_unrecorded = Counter(
            "ioc_refusals_unrecorded", "Refusals beyond what the audit trail takes in an hour", registry=registry
        )
        self.media_uploads = Counter(
            "ioc_media_uploads", "Pictures and papers by what became of them: stored, or why they were refused",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self.media_bytes = Gauge("ioc_media_bytes", "Bytes of all media, thumbnails included", registry=registry)
        self.sign_in = Counter("ioc_sign_in", "Sign-in attempts", ["outcome"], registry=registry)
