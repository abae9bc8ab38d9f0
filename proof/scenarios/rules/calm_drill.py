"""A stretch of the calm day as a drill: its readings through the real door of a running instance, on its clock."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import yaml

from ioc.domain.moment import format_time
from proof.harness.drill_run import played

AT, WHOSE = "_at", "_device"
"""Columns of the files that are no fields."""
OPENINGS = ("opened", "reopened")


@dataclass(frozen=True, slots=True)
class SaidReading:
    """What one of the fleet said at a second of the day."""

    at: datetime
    feed: str
    device: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one of the fleet stands."""

    device: str
    feed: str
    lat: float
    lon: float


async def drilled(readings: list[SaidReading], stations: Iterable[Standing], *, seconds: float) -> dict[str, Any]:
    """Play readings into a drill within ``seconds`` of the wall; return what became of them, and the alerts opened."""
    with TemporaryDirectory(prefix="ioc-calm-") as name:
        scenario = write_scenario(readings, stations, Path(name))
        async with played(scenario, seconds=seconds) as drill:
            moves = [json.loads(text) for text in await drill.transitions()]
            rows = [move for move in moves if move["kind"] in OPENINGS]
            return {
                "readings": len(readings), "acknowledged": drill.acknowledged, "refused": drill.refused,
                "rows": len(rows), "critical": sum(row["severity"] == "critical" for row in rows),
                "rows_by_rule": dict(Counter(row["rule"] for row in rows).most_common()),
                "seconds": drill.seconds,
            }  # fmt: skip


def write_scenario(readings: list[SaidReading], stations: Iterable[Standing], folder: Path) -> Path:
    """Write a file of rows for each feed, and the scenario that plays them."""
    by_feed: dict[str, list[SaidReading]] = {}
    for one in readings:
        by_feed.setdefault(one.feed, []).append(one)
    records = []
    for feed, said in by_feed.items():
        path = folder / f"{feed}.ndjson"
        with path.open("wb") as file:
            for one in said:
                file.write(orjson.dumps({AT: format_time(one.at), WHOSE: one.device, **one.values}) + b"\n")
        columns = sorted({f"{field}={_column(field, value)}" for one in said for field, value in one.values.items()})
        records.append({"file": path.name, "feed": feed, "device_column": WHOSE, "time_column": AT, "columns": columns})
    body = {
        "drill": "calm-hour", "title": {"vi": "Giờ cao điểm ngày thường", "en": "The busiest hour of a calm day"},
        "licence": "made by a seed",
        "start": format_time(readings[0].at), "end": format_time(readings[-1].at + timedelta(seconds=1)),
        "stations": [
            {"id": one.device, "feed": one.feed, "name": {"vi": one.device, "en": one.device}, "lat": one.lat,
             "lon": one.lon}
            for one in stations
        ],
        "records": records,
    }  # fmt: skip
    path = folder / "calm.yaml"
    path.write_text(yaml.dump(body, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True), "utf-8")
    return path


def _column(field: str, value: object) -> str:
    return f"{field}:text" if isinstance(value, str) else field
