"""A permit, imported by `ioc lookups import` as docs/lookups.md writes it: its plant's alert tells it, no other's."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.acceptance.instance import ROOT, Instance, wait_until

PAGE = (ROOT / "docs" / "lookups.md").read_text(encoding="utf-8")
PLANT, OTHER = "nt-nha-may-1", "nt-nha-may-2"
"""The first is the page's."""


def page_sheet() -> str:
    """Return the sheet that the page shows."""
    found = re.search(r"\$ cat permits\.csv\n((?: {4}[^$\n].*\n)+)", PAGE)
    assert found is not None
    return "".join(line.removeprefix("    ") + "\n" for line in found[1].splitlines())


def told(operator: httpx2.Client, plant: str) -> dict[str, Any]:
    """Return the evidence of the plant's alert about its wastewater, once it is there."""

    def alerts() -> list[dict[str, Any]]:
        asked = {"device": plant, "feed": "wastewater"}
        return list(operator.get("/api/v1/alerts", params=asked).json()["items"])

    alert = wait_until(alerts, seconds=30, what=f"an alert of {plant}")[0]
    found: dict[str, Any] = operator.get(f"/api/v1/alerts/{alert['id']}/evidence").json()
    return found


def test_a_permit_is_imported_as_the_page_says_and_told_with_its_plant_s_alert(
    instance: Instance, operator: httpx2.Client, tmp_path: Path
) -> None:
    begin = datetime.now(UTC) - timedelta(hours=1)
    for plant in (PLANT, OTHER):
        key = instance.made("device", "add", plant, "--feed", "wastewater", "--area", "04795")["key"]
        lines = [
            json.dumps({"time": (begin + timedelta(minutes=5 * number)).isoformat(), "cod_mg_l": 400, "status": "00"})
            for number in range(11)
        ]
        with instance.client(key=key) as door:
            sent = door.post("/api/v1/feeds/wastewater/events", content="\n".join(lines),
                             headers={"Content-Type": "application/x-ndjson"})  # fmt: skip
        assert sent.status_code == 202, sent.text
    [before] = told(operator, PLANT)["lookups"]
    assert before["state"] == "missing"

    sheet = tmp_path / "permits.csv"
    sheet.write_text(page_sheet(), encoding="utf-8")
    tried = instance.cli("lookups", "import", str(sheet), "--table", "wastewater-permit", "--dry-run")
    assert (tried.returncode, "1 new, 0 changed, 0 as they were" in tried.stdout) == (0, True), tried.stderr
    assert told(operator, PLANT)["lookups"][0]["state"] == "missing", "only tried"
    instance.made("lookups", "import", str(sheet), "--table", "wastewater-permit", "--why", "Hồ sơ năm 2026")
    [after] = told(operator, PLANT)["lookups"]
    values = {column["label"]["vi"]: column["value"] for column in after["columns"]}
    assert (after["state"], after["source"], after["verified"]) == ("holds", "Bản chụp giấy phép", True)
    assert {"12/GP-UBND", "UBND tỉnh", 1500.0} <= set(values.values())
    assert told(operator, OTHER)["lookups"][0]["state"] == "missing"

    wrong = tmp_path / "wrong.csv"
    wrong.write_text(page_sheet().replace("1500", "nhiều"), encoding="utf-8")
    refused = instance.cli("lookups", "import", str(wrong), "--table", "wastewater-permit", "--why", "sai")
    assert refused.returncode != 0
    assert re.search(r"wrong\.csv.*(E2|volume)", refused.stdout + refused.stderr), refused.stdout + refused.stderr
    assert [one["why"] for one in operator.get("/api/v1/lookups/imports").json()["items"]] == ["Hồ sơ năm 2026"]
