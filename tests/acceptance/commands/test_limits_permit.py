"""One plant's permit, changed by `ioc limits import` on a running instance: whose alerts change, and from when on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from tests.acceptance.instance import Instance, wait_until

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
RULE = Path(__file__).resolve().parents[3] / "ioc" / "packs" / "hoabinh" / "rules" / "wastewater.cod.yaml"
STEP = timedelta(minutes=5)
PLANT, OTHER = "permit-plant", "permit-other"
HEAD = "name,device,value,unit,source,verified,valid_from\n"


def told(instance: Instance, keys: Mapping[str, str], begin: datetime, values: list[float]) -> None:
    """Let both plants say the same, a reading each five minutes."""
    for plant, key in keys.items():
        lines = [
            json.dumps({"time": (begin + STEP * number).isoformat(), "cod_mg_l": value, "status": "00"})
            for number, value in enumerate(values)
        ]
        with instance.client(key=key) as door:
            sent = door.post("/api/v1/feeds/wastewater/events", content="\n".join(lines),
                             headers={"Content-Type": "application/x-ndjson"})  # fmt: skip
            assert sent.status_code == 202, (plant, sent.text)


def alerts_of(operator: httpx2.Client, plant: str) -> list[dict[str, Any]]:
    found = operator.get("/api/v1/alerts", params={"device": plant, "rule": "wastewater.cod"})
    assert found.status_code == 200, found.text
    return sorted(found.json()["items"], key=lambda alert: str(alert["opened_at"]))


def life(alert: Mapping[str, Any]) -> list[Any]:
    return [alert[name] for name in ("id", "opened_at", "cleared_at", "severity", "condition", "transitions")]


def backtest(instance: Instance, begin: datetime, end: datetime) -> Any:
    done = instance.made("backtest", str(RULE), "--from", begin.isoformat(), "--to", end.isoformat())
    return {alert["key"]: alert for alert in done["candidate"]["alerts"] if alert["key"] in (PLANT, OTHER)}


def imported(instance: Instance, folder: Path, row: str) -> dict[str, Any]:
    sheet = folder / "permits.csv"
    sheet.write_text(HEAD + row + "\n", encoding="utf-8")
    return instance.made("limits", "import", str(sheet), "--why", "Giấy phép mới")


def test_a_permit_changes_its_plant_s_alerts_from_its_day_on_and_nothing_of_before(
    instance: Instance, operator: httpx2.Client, tmp_path: Path
) -> None:
    began = datetime.now(UTC)
    keys = {plant: instance.made("device", "add", plant, "--feed", "wastewater", "--area", "04795")["key"]
            for plant in (OTHER, PLANT)}  # fmt: skip
    recent = began - timedelta(hours=3)
    day = recent.astimezone(LOCAL).date()
    before = datetime.combine(day - timedelta(days=1), datetime.min.time(), LOCAL) + timedelta(hours=8)
    told(instance, keys, before, [120.0] * 12 + [180.0] * 24 + [40.0] * 36)

    def over() -> bool:
        found = [alerts_of(operator, plant) for plant in keys]
        return all(len(each) == 1 and each[0]["condition"] == "cleared" for each in found)

    wait_until(over, seconds=30, what="an alert of each plant, by the rule's own limit")
    of_before = {plant: alerts_of(operator, plant) for plant in keys}
    middle = datetime.now(UTC)
    stood = backtest(instance, before, middle)
    assert set(stood) == {PLANT, OTHER}

    done = imported(instance, tmp_path, f"wastewater.cod,{PLANT},100,mg/l,Giấy phép 12/GP-UBND,true,{day}")
    assert len(done["created"]) == 1
    told(instance, keys, recent, [120.0] * 36)
    opened = wait_until(lambda: alerts_of(operator, PLANT)[1:], seconds=30, what="the alert by the new permit")
    assert [alert["condition"] for alert in opened] == ["firing"]
    evidence = operator.get(f"/api/v1/alerts/{opened[0]['id']}/evidence").json()
    assert "Giấy phép 12/GP-UBND" in json.dumps(evidence, ensure_ascii=False)
    # What the other plant said stands before it in the log.
    assert [alert["id"] for alert in alerts_of(operator, OTHER)] == [alert["id"] for alert in of_before[OTHER]]
    assert life(alerts_of(operator, PLANT)[0]) == life(of_before[PLANT][0])

    verdict = instance.made("verify", "alerts")
    assert (verdict["agrees"], verdict["differences"]) == (True, []), verdict
    assert backtest(instance, before, middle) == stood, "the days before the permit's first are as they were"
    imported(instance, tmp_path, f"wastewater.cod,{PLANT},100,mg/l,Giấy phép 12/GP-UBND,true,{day - timedelta(days=1)}")
    changed = backtest(instance, before, middle)
    assert changed[OTHER] == stood[OTHER]
    assert changed[PLANT] != stood[PLANT], "a permit that is valid on those days would have changed them"
