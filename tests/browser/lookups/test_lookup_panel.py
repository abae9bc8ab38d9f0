"""What lookup tables say of an alert, in its drawer: a plant's permit that has ended, and what a watch code means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import expect

from tests.acceptance.instance import wait_until
from tests.browser.axe import serious
from tests.browser.conftest import LOADED_MS
from tests.browser.shots import shot

pytestmark = pytest.mark.timeout(240)
RULE = """\
rule: lookup.cod
title: {vi: "COD vượt giấy phép", en: "COD above the permit"}
domain: environment
feed: wastewater
where: 'device.startsWith("lookup-")'
levels:
  - {severity: high, when: 'cod_mg_l > 150.0'}
limit: {value: 150, unit: "mg/l", source: "Bài thử", verified: false}
summary: {vi: "COD {cod_mg_l}", en: "COD {cod_mg_l}"}
"""
SEEN = """\
rule: lookup.seen
title: {vi: "Khớp mã theo dõi", en: "Watch code seen"}
domain: security
feed: watchlist_hit
where: 'device.startsWith("lookup-")'
by: [watch]
levels:
  - {severity: high, when: 'score >= 0.4'}
limit: {value: 0.4, unit: "điểm", source: "Bài thử", verified: false}
summary: {vi: "Khớp {score}", en: "Match {score}"}
"""
DATA = {"permit": "12/GP-UBND", "issuer": "UBND tỉnh Hòa Bình", "issued_on": "2021-10-01", "volume": 1500}


def written(client: Any, **body: Any) -> dict[str, Any]:
    answer = client.put("/api/v1/lookups", json={"why": "Hồ sơ", **body}, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_drawer_tells_the_permit_and_the_watch_code(visit, publisher, site_rule, operator_client):
    site_rule("lookup.cod", RULE)
    site_rule("lookup.seen", SEEN)
    plant, camera = publisher("lookup-nt-1", "wastewater"), publisher("lookup-cam-1", "watchlist_hit")
    written(operator_client, table="watch-code", key="LK-77", source="Thông báo 77/TB", verified=True,
            data={"kind": "stolen_vehicle", "notice": "77/TB-CA", "agency": "Phòng Cảnh sát giao thông"})  # fmt: skip
    now = datetime.now(UTC).isoformat()
    plant.send(json.dumps({"time": now, "cod_mg_l": 182.0, "status": 0}))
    camera.send(json.dumps({"time": now, "watch": "lk-77", "score": 0.43, "kind": "vehicle"}))

    def alert_of(rule: str) -> str:
        def found() -> str | None:
            items = operator_client.get("/api/v1/alerts", params={"rule": rule, "open": "true"}).json()["items"]
            return str(items[0]["id"]) if items else None

        return str(wait_until(found, seconds=20, what=f"the alert of {rule}"))

    desk = await visit(1366, 900)
    page = desk.page
    await desk.go(f"/alerts/{alert_of('lookup.cod')}")
    panel = page.get_by_test_id("lookup-panel")
    permit = panel.locator("[data-table=wastewater-permit]")
    await expect(permit).to_contain_text("Chưa có giấy phép trong bảng", timeout=LOADED_MS)
    await shot(page, "lookup-missing-1366.png")

    written(operator_client, table="wastewater-permit", key="lookup-nt-1", data=DATA, source="Bản chụp giấy phép",
            valid_from="2021-10-01", valid_to="2026-10-31")  # fmt: skip
    await desk.go(f"/alerts/{alert_of('lookup.cod')}")
    await expect(permit).to_contain_text("Giấy phép đã hết hạn ngày 31/10/2026", timeout=LOADED_MS)
    for words in ("12/GP-UBND", "UBND tỉnh Hòa Bình", "1.500 m³/ngày đêm", "01/10/2021", "Nguồn: Bản chụp giấy phép"):
        await expect(permit).to_contain_text(words)
    await expect(permit).to_have_attribute("data-state", "ended")
    await shot(page, "lookup-ended-1366.png")
    assert await serious(page) == []

    await desk.go(f"/alerts/{alert_of('lookup.seen')}")
    code = panel.locator("[data-table=watch-code]")
    await expect(code).to_contain_text("Phương tiện bị trộm cắp", timeout=LOADED_MS)
    await expect(code).to_contain_text("Phòng Cảnh sát giao thông")
    await expect(code).to_have_attribute("data-state", "holds")
    await shot(page, "lookup-watch-1366.png")
    looks = operator_client.get("/api/v1/audit").json()["items"]
    assert any(line["action"] == "lookup.look" for line in looks), "who is told what a watch code means is written down"
