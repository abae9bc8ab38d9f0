"""The figures of a run as one table that a person can read."""

from __future__ import annotations

from typing import Any

GOALS = {"door_to_paho": (1.2, 3.0), "door_to_unnest": (0.6, 0.8), "all_on_to_paho": (0.6, 1.2)}
"""What was promised, and the next goal."""


def table(found: dict[str, Any]) -> str:
    """Return the text of one run's figures."""
    lines = [f"{found['keys']:,} keys beforehand, {found['cores']} cores, load {found['load_average']}", "",
             f"{'road':<10}{'events/s':>10}   CPU us/event"]  # fmt: skip
    for name, road in found["roads"].items():
        lines.append(f"{name:<10}{road['events_per_second']:>10,}   {_cpu(road)}   {road['what']}")
    all_on = found["all_on"]
    lines.append(f"{'all on':<10}{all_on['events_per_second']:>10,}   {_cpu(all_on)}   {all_on['what']}")
    lines.append("")
    for name, ratio in found["ratios"].items():
        goal, following = GOALS.get(name, (None, None))
        says = "" if goal is None else f"   goal {goal}: {'met' if ratio >= goal else 'MISSED'}, next {following}"
        lines.append(f"{name:<20}{ratio:>6.2f}{says}")
    lines.append("")
    for name, lag in found["drain"].items():
        lines.append(f"{name} afterwards: {lag['behind_events']:,} events behind, {lag['left_events']:,} left after "
                     f"{lag['seconds']} s, {lag['events_per_second']:,} events/s")  # fmt: skip
    lines.append("memory MB (shared pages in part): " + ", ".join(f"{n} {mb}" for n, mb in found["memory_mb"].items()))
    door = found["roads"]["door"]["cpu_us_per_event"]["door"]
    stages = found["stages"]
    inside = stages["prepare"] + stages["framing"] + stages["rows"]
    parts = ", ".join(f"{name} {us}" for name, us in stages.items() if not name.startswith("prepare"))
    lines.append(f"stages of the door, CPU us/event of {door} in all: {parts}, rest of prepare {_rest(stages):.2f} "
                 f"(prepare {stages['prepare']}, without the fast path {stages['prepare_fully']}), "
                 f"loop + sockets + asyncpg + acknowledging {door - inside:.1f}")  # fmt: skip
    return "\n".join(lines)


def _cpu(road: dict[str, Any]) -> str:
    return ", ".join(f"{name} {us:.0f}" for name, us in road.get("cpu_us_per_event", {}).items())


def _rest(stages: dict[str, float]) -> float:
    parts = ("decode", "canonical_and_content_hash", "validate", "identity")
    return float(stages["prepare"] - sum(stages[name] for name in parts))
