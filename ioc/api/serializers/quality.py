"""The account of feeds and sources as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ioc.api.serializers.nouns import JSONObject, moment
from ioc.domain.quality import completeness, grade, share
from ioc.store.quality.reader import TOTALS, QualitySpan, Row

Spark = Mapping[datetime, tuple[float, float]]


def window(span: QualitySpan, name: str) -> JSONObject:
    """Return which time an account is of."""
    return {
        "window": name,
        "step_seconds": span.step,
        "since": moment(span.starts[0]),
        "until": moment(span.until),
        "counted_since": moment(span.counted_since),
    }


def spark(span: QualitySpan, cells: Spark) -> list[float | None]:
    """Return the completeness of each bucket, oldest first; null where nothing was expected."""
    found = []
    for start in span.starts:
        covered, expected = cells.get(start, (0.0, 0.0))
        found.append(round(min(1.0, covered / expected), 3) if expected > 0 else None)
    return found


def counts(rows: Sequence[Row]) -> JSONObject:
    """Return the account of some sources together: received is what was stored at the doors, repeated or refused."""
    total: dict[str, Any] = {name: sum(row[name] for row in rows) for name in TOTALS}
    lag_sum = sum(row["lag_sum"] for row in rows)
    expected = sum(row["expected"] or 0.0 for row in rows)
    covered = sum(min(row["covered"] or 0.0, row["expected"] or 0.0) for row in rows)
    at_doors = total["stored"] - total["released"]
    received = at_doors + total["duplicate"] + total["refused"]
    complete = completeness(covered, expected)
    late = share(total["late"], total["lags"])
    refused = share(total["refused"], received)
    shortest = [row["lag_min"] for row in rows if row["lag_min"] is not None]
    longest = [row["lag_max"] for row in rows if row["lag_max"] is not None]
    return {
        "grade": str(grade(complete, refused, late)),
        "received": received,
        "stored": at_doors,
        "duplicate": total["duplicate"],
        "refused": total["refused"],
        "not_kept": total["not_kept"],
        "released": total["released"],
        "history": total["history"],
        "expected": round(expected, 1),
        "measured": total["measured"],
        "completeness": None if complete is None else round(complete, 4),
        "late": total["late"],
        "late_share": None if late is None else round(late, 4),
        "suspect": total["suspect"],
        "clock_fault": total["clock_fault"],
        "skewed": total["skewed"],
        "lag_mean_seconds": round(lag_sum / total["lags"], 3) if total["lags"] else None,
        "lag_max_seconds": round(max(longest), 3) if longest else None,
        "clock_ahead_seconds": round(max(0.0, -min(shortest)), 3) if shortest else None,
    }


def source(row: Row, span: QualitySpan, cells: Spark) -> JSONObject:
    """Return one source."""
    is_device = bool(row["device"])
    return {
        "feed": row["feed"] or None,
        "device": row["device"] or None,
        "name": {"vi": row["name_vi"], "en": row["name_en"]} if is_device and row["name_vi"] else None,
        "area": row["area"],
        "zone": row["zone"],
        "state": row["state"],
        "period_seconds": row["period_seconds"],
        **counts([row]),
        "spark": spark(span, cells),
    }
