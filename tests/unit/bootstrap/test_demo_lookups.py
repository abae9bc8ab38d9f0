"""The sheets that a demo brings into the lookup tables: each fits its table, and every row says that it is made up."""

from __future__ import annotations

import asyncio

import pytest

from ioc.bootstrap.demo_lookups import FOLDER
from ioc.commands.row_import import read_file
from ioc.lookups.columns import PASSED_OVER, known
from ioc.lookups.plan import plan_rows
from ioc.packs.loader import load_pack, pack_folder

PACK = load_pack("hoabinh", shapes=False)
SHEETS = sorted((pack_folder("hoabinh") / FOLDER).glob("*.csv"))


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.stem)
def test_each_sheet_fits_its_table_and_every_row_says_that_it_is_made_up(path):
    (table,) = [one for one in PACK.lookups if one.id == path.stem]
    file = asyncio.run(read_file(path))
    devices = {device.id: device.feed for device in PACK.devices}
    plan = plan_rows(file.table(known(table), PASSED_OVER), table, devices)
    assert plan.faults == []
    rows = [row.made for row in plan.rows if row.made is not None]
    assert rows
    assert all("trình diễn" in row.source and not row.verified for row in rows)


def test_the_fleet_s_own_watch_codes_are_among_them():
    played = PACK.plays["watchlist_hit"]["fields"]["watch"]["turn"]
    (path,) = [path for path in SHEETS if path.stem == "watch-code"]
    text = path.read_text(encoding="utf-8")
    assert len(played) == 3
    assert all(f"\n{code}," in text for code in played)
