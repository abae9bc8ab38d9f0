"""Our own sketch of areas from their centres, for a map until real boundaries are imported.

Each former commune claims the ground nearest to its centre (Voronoi cells); a unit of today is the union of the
cells of the communes that became it, cut to a coarse outline drawn by hand for each zone. Nothing of it comes
from a boundary file, and nobody may take it for a boundary: `shape_source` says `sketch` wherever it is shown.

    python -m ioc.packs.sketch ioc/packs/hoabinh
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import shapely
from shapely.geometry import MultiPoint, Polygon, mapping, shape

from ioc.packs.draft import Draft
from ioc.packs.schema_place import AreaRow

DIGITS = 4
"""Four decimals of a degree are some ten metres: far finer than the sketch is true."""


def sketch_shapes(draft: Draft, outlines: Mapping[str, Polygon]) -> dict[str, Any]:
    """Return a FeatureCollection with one sketched polygon for each unit of today that lies in a zone.

    A commune that was split gives each part of its cell to the nearest successor. ``outlines`` has a polygon
    (lon, lat) by zone.
    """
    rows = [area.value for area in draft.areas]
    today = [row for row in rows if row.valid_to is None and row.zone is not None]
    by_code = {row.code: row for row in today}
    cells: dict[str, list[Polygon]] = {code: [] for code in by_code}
    for zone, outline in outlines.items():
        seeds = [row for row in rows if row.zone == zone and row.valid_to is not None and row.level != "district"]
        for seed, cell in zip(seeds, nearest_cells([centre(row) for row in seeds], outline), strict=True):
            heirs = [by_code[code] for code in seed.successors]
            parts = nearest_cells([centre(row) for row in heirs], cell) if len(heirs) > 1 else [cell]
            for heir, part in zip(heirs, parts, strict=True):
                cells[heir.code].append(part)
    features = [feature(by_code[code], parts) for code, parts in cells.items() if parts]
    return {"type": "FeatureCollection", "features": features}


def centre(row: AreaRow) -> tuple[float, float]:
    """Return the unit's centre (lon, lat); a unit without one cannot be sketched."""
    assert row.lon is not None, row.code
    assert row.lat is not None, row.code
    return row.lon, row.lat


def nearest_cells(points: Sequence[tuple[float, float]], outline: Polygon) -> list[Polygon]:
    """Return for each point the part of ``outline`` nearer to it than to any other point, in the points' order."""
    cells = shapely.voronoi_polygons(MultiPoint(points), extend_to=outline, ordered=True)
    return [cell.intersection(outline) for cell in cells.geoms]


def feature(row: AreaRow, cells: Sequence[Polygon]) -> dict[str, Any]:
    """Return the GeoJSON feature of one unit: the union of its cells, rounded."""
    joined = shapely.union_all(list(cells))
    rounded = shapely.set_precision(joined, 10**-DIGITS)
    geometry = orjson.loads(orjson.dumps(mapping(rounded)))
    return {
        "type": "Feature",
        "properties": {"code": row.code, "valid_from": row.valid_from.isoformat(), "source": "sketch"},
        "geometry": {"type": geometry["type"], "coordinates": rounded_numbers(geometry["coordinates"])},
    }


def rounded_numbers(value: Any) -> Any:
    """Return nested coordinates with ``DIGITS`` decimals."""
    return [rounded_numbers(part) for part in value] if isinstance(value, list) else round(value, DIGITS)


def read_outlines(folder: Path) -> dict[str, Polygon]:
    """Return the hand-drawn outlines of `sketch.geojson` by zone."""
    collection = orjson.loads((folder / "sketch.geojson").read_bytes())
    return {item["properties"]["zone"]: shape(item["geometry"]) for item in collection["features"]}


def main(folder: Path) -> None:
    """Write `shapes.geojson` of the pack in ``folder``, one feature a line."""
    from ioc.packs.draft import read_draft
    from ioc.packs.problem import Findings

    collection = sketch_shapes(read_draft(folder, Findings()), read_outlines(folder))
    lines = b",\n".join(orjson.dumps(item) for item in collection["features"])
    (folder / "shapes.geojson").write_bytes(b'{"type":"FeatureCollection","features":[\n' + lines + b"\n]}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
