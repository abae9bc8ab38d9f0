"""Every proof by name, with its budgets. The order is the one in which they run."""

from __future__ import annotations

from proof.harness.proof import Proof
from proof.scenarios.delivery import bridge, disk, kills, once, outages, power, puback, stream
from proof.scenarios.doors import api, backlog, fuzz, http_fire, idle, overload, poison, storm
from proof.scenarios.rules import calm, drill, jumps, rules_live, rules_reference

PROOFS: dict[str, Proof] = {
    "puback": Proof(
        lambda seed, profile: puback.prove(seed=seed, publishes=puback.PUBLISHES[profile]),
        promises=("P2",), figures=("publishes", "flushed_before_puback"), controls=("puback_before_flush",),
        needs=("strace",), quick_seconds=20, full_seconds=60,
    ),
    "fuzz": Proof(
        lambda seed, profile: fuzz.prove(seed=seed, size=fuzz.SIZES[profile]),
        promises=("P5",), figures=("operations", "problems"), controls=("found", "executions_until_found"),
        quick_seconds=10, full_seconds=700,
    ),
    "api": Proof(
        lambda seed, profile: api.prove(seed=seed, size=api.SIZES[profile]),
        promises=("P21",), figures=("operations", "requests", "accepted_operations", "problems"), controls=("found",),
        quick=False, quick_seconds=240, full_seconds=1_500,
    ),
    "rules_reference": Proof(
        lambda seed, profile: rules_reference.prove(seed=seed, size=rules_reference.SIZES[profile]),
        promises=("P6", "P10"), figures=("histories", "transitions", "mismatches"), controls=("mutants", "caught"),
        quick_seconds=35, full_seconds=600,
    ),
    "calm": Proof(
        lambda seed, profile: calm.prove(seed=seed, size=calm.SIZES[profile]),
        promises=("P22",),
        figures=("devices", "events", "hours", "rows", "rows_an_hour_max", "critical", "drill_readings", "drill_rows"),
        controls=("rows", "critical"), quick_seconds=30, full_seconds=3_600,
    ),
    "idle": Proof(
        lambda seed, profile: idle.prove(seed=seed, size=idle.SIZES[profile]),
        promises=("P4",), figures=("connections", "kilobytes_each", "honest_ms_p95"), controls=("kilobytes_each",),
        quick=False, quick_seconds=40, full_seconds=120,
    ),
    "storm": Proof(
        lambda seed, profile: storm.prove(seed=seed, size=storm.SIZES[profile]),
        promises=("P17",),
        figures=("came", "came_per_second", "seconds_p99_max", "beat_seconds_max", "falsely_offline"),
        controls=("seconds_p99_max", "beat_seconds_max", "falsely_offline"), quick_seconds=45, full_seconds=150,
    ),
    "kills": Proof(
        lambda seed, profile: kills.prove(seed=seed, size=kills.SIZES[profile]),
        promises=("P1", "P2", "P3", "P6"), figures=("acknowledged", "lost", "stored_twice", "alert_mismatches"),
        controls=("acknowledged", "lost"), quick_seconds=55, full_seconds=420,
    ),
    "power": Proof(
        lambda seed, profile: power.prove(seed=seed, size=power.SIZES[profile]),
        promises=("P1", "P2", "P3", "P6"), figures=("acknowledged", "lost", "stored_twice", "alert_mismatches"),
        controls=("synchronous_commit.lost", "early_ack.lost", "fsync.lost"), needs=power.NEEDS,
        quick_seconds=90, full_seconds=900,
    ),
    "outages": Proof(
        lambda seed, profile: outages.prove(seed=seed, size=outages.SIZES[profile]),
        promises=("P12",), figures=("faults", "acknowledged", "lost", "not_ready_seconds_max", "recovery_seconds_max"),
        controls=("cut_wrote_again", "demote_wrote_again"), quick=False, quick_seconds=95, full_seconds=900,
    ),
    "disk": Proof(
        lambda seed, profile: disk.prove(seed=seed, size=disk.SIZES[profile]),
        promises=("P13",), figures=("faults", "acknowledged", "lost", "http_refused", "seconds_from_space_to_202_max"),
        controls=("panics",), needs=disk.NEEDS, quick=False, quick_seconds=75, full_seconds=400,
    ),
    "rules_live": Proof(
        lambda seed, profile: rules_live.prove(seed=seed, size=rules_live.SIZES[profile]),
        promises=("P6",), figures=("histories", "faults", "events", "late", "edits", "transitions", "mismatches"),
        controls=("mismatches", "stuck"), quick=False, quick_seconds=150, full_seconds=700,
    ),
    "jumps": Proof(
        lambda seed, profile: jumps.prove(seed=seed, size=jumps.SIZES[profile]),
        promises=("P14",), figures=("faults", "acknowledged", "false_opens", "false_clears", "missed"),
        controls=("false_opens", "false_clears"), needs=("faketime",), quick=False, quick_seconds=150,
        full_seconds=260,
    ),
    "stream": Proof(
        lambda seed, profile: stream.prove(seed=seed, size=stream.SIZES[profile]),
        promises=("P9",), figures=("clients", "cuts", "changes", "gaps", "repeats"), controls=("gaps",),
        quick_seconds=40, full_seconds=150,
    ),
    "drill": Proof(
        lambda seed, profile: drill.prove(seed=seed, size=drill.SIZES[profile]),
        promises=("P6",), figures=("months_played", "operations", "alerts_opened", "mismatches"),
        controls=("other_limit_problems", "unguarded_connections"), quick=False, quick_seconds=60, full_seconds=240,
    ),
    "overload": Proof(
        lambda seed, profile: overload.prove(seed=seed, size=overload.SIZES[profile]),
        promises=("P4",), figures=("mqtt_acknowledged", "http_accepted", "http_refused", "checks", "grown_bytes.door"),
        controls=("grown_bytes.door",), quick=False, quick_seconds=150, full_seconds=1_500,
    ),
    "backlog": Proof(
        lambda seed, profile: backlog.prove(seed=seed, size=backlog.SIZES[profile]),
        promises=("P4",), figures=("backlog_acknowledged", "live_alerts", "live_p99_ms"), controls=("live_p99_ms",),
        quick=False, quick_seconds=90, full_seconds=900,
    ),
    "http_fire": Proof(
        lambda seed, profile: http_fire.prove(seed=seed, size=http_fire.SIZES[profile]),
        promises=("P5",), figures=("faults", "operations", "p95_ratio_max", "errors"),
        controls=("files_open_max",), needs=("slowhttptest", "nginx", "openssl"), quick=False,
        quick_seconds=45, full_seconds=420,
    ),
    "bridge": Proof(
        lambda seed, profile: bridge.prove(seed=seed, size=bridge.SIZES[profile]),
        promises=("P2",), figures=("taken_by_bridge", "lost", "stored_twice"),
        controls=("autoack.lost", "noepoch.lost", "qos2.lost"), quick=False, needs=("mosquitto",), quick_seconds=80,
        full_seconds=600,
    ),
    "poison": Proof(
        lambda seed, profile: poison.prove(seed=seed, size=poison.SIZES[profile]),
        promises=("P5",), figures=("faults", "stored", "dead_letters", "neighbours", "server_errors"),
        controls=("blocked",), quick_seconds=35, full_seconds=300,
    ),
    "once": Proof(
        lambda seed, profile: once.prove(seed=seed, size=once.SIZES[profile]),
        promises=("P3",), figures=("operations", "cuts", "stored", "stored_twice", "conflicts", "answers_at_odds"),
        controls=("stored_twice",), quick=False, quick_seconds=40, full_seconds=300,
    ),
}  # fmt: skip
