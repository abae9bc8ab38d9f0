"""docs/new-feed.md as it stands: a feed from nothing to a chart, a form, a column of a sheet and an alert."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from tests.acceptance.conftest import for_good
from tests.acceptance.instance import ROOT, Instance, items, new_data_folder, run_cli, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]
PAGE = ROOT / "docs" / "new-feed.md"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def own_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack that the page makes: what is there already is added to, what is not is made."""
    folder = tmp_path_factory.mktemp("walk") / "my-pack"
    shutil.copytree(ROOT / "ioc" / "packs" / "hoabinh", folder)
    blocks = re.findall(
        r"^```yaml my-pack/(\S+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(blocks) == 3
    for name, added in blocks:
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(added)
    return folder


@pytest.fixture(scope="module")
def started(own_pack: Path) -> Iterator[Instance]:
    checked = run_cli("check", str(own_pack))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    instance = Instance(new_data_folder(), IOC_PACK=str(own_pack))
    try:
        instance.start()
        yield instance
        assert instance.stop() == 0, instance.output()
    finally:
        for_good(instance)


def filled(template: bytes, **figures: Any) -> bytes:
    """Return the template with one row filled in."""
    rows = CalamineWorkbook.from_filelike(io.BytesIO(template)).get_sheet_by_index(0).to_python()
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        if row[0] == "rice_price":
            row = [figures.get(str(head), value) for head, value in zip(rows[0], row, strict=True)]  # noqa: PLW2901
        for place, value in enumerate(row):
            if value != "":
                sheet.write(number, place, value)
    book.close()
    return out.getvalue()


def test_the_page_s_feed_has_a_form_a_chart_an_alert_and_a_column_of_the_sheet(started: Instance):
    with started.signed_in(started.username, started.password) as admin:
        form = next(feed for feed in items(admin, "/api/v1/feeds") if feed["id"] == "market_price")
        assert [field["name"] for field in form["fields"]][-1] == "stalls"
        assert form["device_required"] is False
        entered = admin.post("/api/v1/manual/market_price",
                             json={"values": {"indicator": "rice_price", "actual": 26500, "stalls": 12}})  # fmt: skip
        assert entered.status_code == 201, entered.text
        (alert,) = wait_until(
            lambda: items(admin, "/api/v1/alerts", rule="economy.rice-price"), seconds=20, what="the alert"
        )
        assert alert["severity"] == "medium"
        assert "Giá gạo tẻ bình quân" in alert["opening"]["vi"], "people are told the name, not the code"
        line = wait_until(
            lambda: admin.get("/api/v1/series?feed=market_price&device=desk&field=actual&step=5m").json()["items"],
            seconds=20, what="the chart",
        )  # fmt: skip
        assert 26500.0 in [point["v"] for point in line]

        made = started.made("user", "add", "so-cong-thuong", "--role", "operator")
        template = admin.get("/api/v1/indicators/template", headers={"Accept-Language": "vi"}).content
        sheet = filled(template, **{"Kỳ": "2026-01", "Thực hiện": 18000, "Kế hoạch": 17500, "Số quầy khảo sát": 30})
        with started.signed_in(made["username"], made["password"]) as sender:
            sent = sender.post("/api/v1/indicators/import", content=sheet, headers={"Content-Type": XLSX})
            assert sent.status_code == 201, sent.text
        path = f"/api/v1/indicators/imports/{sent.json()['id']}/approve"
        approved = admin.post(path, headers={"If-Match": '"1"'})
        assert approved.status_code == 200, approved.text
        figure = admin.get("/api/v1/indicators/rice_price").json()["figures"][0]
        assert (figure["plan"], figure["actual"], figure["met"]) == (17500.0, 18000.0, False)
        assert figure["extra"] == {"stalls": 30}
        event = admin.get(f"/api/v1/events/{figure['event']}").json()
        assert (event["device"], event["data"]["stalls"], event["door"]) == ("rice_price", 30, "manual")
