"""`ioc area import`: real boundaries take the place of the sketches, and the API says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
import shapely
from shapely.geometry import shape

from tests.acceptance.instance import ROOT, Instance, items, wait_until

WARDS = ROOT.parent / "shared" / "data" / "areas" / "hoabinh_luongson_wards_2025.geojson"
UNITS = {"04792", "04795", "04828", "04894", "04897", "04924", "04960", "05047"}


def feature(code: str, **geometry: object) -> dict[str, object]:
    """Return a GeoJSON feature that names its code as `ma`."""
    return {"type": "Feature", "properties": {"ma": code}, "geometry": geometry or None}


def test_a_file_with_good_and_bad_features(instance: Instance, operator: httpx2.Client, tmp_path: Path) -> None:
    """What is a boundary of a unit of today is taken; the rest is left out, each with its reason."""
    ring = [[105.60, 20.69], [105.63, 20.69], [105.63, 20.72], [105.60, 20.72], [105.60, 20.69]]
    features = [
        feature("05047", type="Polygon", coordinates=[ring]),
        feature("99999", type="Polygon", coordinates=[ring]),
        feature("04960", type="Point", coordinates=[105.55, 20.8]),
        feature("04924"),
        {"type": "Feature", "properties": {}, "geometry": None},
        feature("04897", type="Polygon", coordinates=[[[430_000, 2_300_000], [430_100, 2_300_000], [430_100, 2_300_100],
                                                       [430_000, 2_300_000]]]),
        feature("04795", type="Polygon", coordinates=[[[-1, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]]]),
        feature("04792", type="Polygon", coordinates=[ring]),
        feature("04828", type="Polygon", coordinates=[[[lat, lon] for lon, lat in ring]]),
    ]  # fmt: skip
    file = tmp_path / "own.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    done = instance.cli("area", "import", str(file), "--code-property", "ma")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "imported: 05047"
    assert len(lines) == 1 + 8
    assert "outside of this site" in next(line for line in lines if "04795" in line)
    assert "another unit" in next(line for line in lines if "04792" in line)
    assert "swap" in next(line for line in lines if "04828" in line)
    assert all(line.startswith("left out: ") for line in lines[1:])

    def imported() -> dict[str, Any] | None:
        found = operator.get("/api/v1/areas/05047").json()
        return found if found["shape_source"] == "import" else None

    unit = wait_until(imported, what="the imported shape")  # the registry in memory is two seconds old at most
    assert shapely.equals(shape(unit["shape"]), shapely.Polygon(ring))
    assert operator.get("/api/v1/areas/04924").json()["shape"] is not None


def test_a_file_of_nothing_finds_nothing_and_a_wrong_one_is_a_usage_error(instance: Instance, tmp_path: Path) -> None:
    """Exit code 1 when no boundary was taken, 2 when it is no GeoJSON."""
    file = tmp_path / "empty.geojson"
    file.write_text('{"type": "FeatureCollection", "features": []}')
    assert instance.cli("area", "import", str(file)).returncode == 1
    for content in ('{"type": "Feature"}', "not json", "[]", '{"features": {"a": 1}}', '{"features": [7]}'):
        file.write_text(content)
        done = instance.cli("area", "import", str(file))
        assert done.returncode == 2, (content, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_the_units_of_today_get_their_real_boundaries(instance: Instance, operator: httpx2.Client) -> None:
    """All eight, from the file as published; neighbours still share no ground."""
    if not WARDS.exists():
        pytest.skip("../shared/data/areas/hoabinh_luongson_wards_2025.geojson is absent")
    done = instance.cli("area", "import", str(WARDS), "--code-property", "code")
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.splitlines()[0].removeprefix("imported: ").split(", ")) == UNITS

    def imported() -> dict[str, Any] | None:
        found = {unit["code"]: unit for unit in items(operator, "/api/v1/areas") if unit["shape_source"] == "import"}
        return found if found.keys() >= UNITS else None

    units = wait_until(imported, what="the imported shapes")
    assert units.keys() == UNITS
    published = {one["properties"]["code"]: shape(one["geometry"]) for one in json.loads(WARDS.read_text())["features"]}
    for code, unit in units.items():
        served = shape(unit["shape"])
        assert served.is_valid
        assert served.symmetric_difference(published[code]).area < published[code].area * 1e-6
