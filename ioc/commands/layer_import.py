"""`ioc layer import`: a GeoJSON file becomes a layer of the map, checked feature by feature and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import shapely
from pydantic import TypeAdapter, ValidationError
from shapely.geometry import mapping

from ioc.assembly.context import open_context
from ioc.domain.places.location import Box
from ioc.errors import InvalidInputError
from ioc.packs.boundary import POINTS_MAX, SIMPLIFY_DEGREES, geometry_of, layer_fault
from ioc.packs.schema import Slug
from ioc.settings import Settings
from ioc.store.registry.layers import SiteLayer, write_layer

ACTOR = "command line"
KINDS = ("water", "road")
FILE_BYTES_MAX = 20 << 20
FEATURES_MAX = 5_000
NAME_PROPERTIES = ("id", "name", "name_vi", "name_en", "source")
"""What a feature keeps of its properties: the map shows no more."""
WORDS_MAX = 200


@dataclass(frozen=True, slots=True)
class LayerText:
    """What the command was told of the layer; null keeps what the pack says, else the name."""

    name: str
    kind: str | None = None
    label: str | None = None


async def import_layer(settings: Settings, file: Path, text: LayerText) -> tuple[int, list[str]]:
    """Put a file's features into the map as a layer; return how many, and what was left out with why.

    Raises:
        InvalidInputError: the file is no GeoJSON FeatureCollection, or the name or kind is wrong.
    """
    check_text(text)
    features = read_features(file)
    async with open_context(settings, "tools", connections_max=2, patient=False) as context:
        kept, left_out = drawable(features, context.pack.box)
        if kept:
            of_pack = next((layer for layer in context.pack.layers if layer.id == text.name), None)
            label = text.label or (of_pack.label.vi if of_pack else text.name)
            english = of_pack.label.en if of_pack and not text.label else label
            layer = SiteLayer(
                text.name, text.kind or "road", {"vi": label, "en": english},
                {"type": "FeatureCollection", "features": kept},
            )  # fmt: skip
            await write_layer(
                context.database, layer, actor=ACTOR, now=context.log_clock.now(), wall=context.wall.now()
            )
    return len(kept), left_out


def check_text(text: LayerText) -> None:
    """Accept what the command was told of a layer.

    Raises:
        InvalidInputError: the name or kind is wrong.
    """
    try:
        TypeAdapter(Slug).validate_python(text.name)
    except ValidationError as error:
        raise InvalidInputError("a layer's name is a-z, 0-9 and hyphens; at most 64", field="layer") from error
    if text.kind not in (None, *KINDS):
        raise InvalidInputError(f"kind is {' or '.join(KINDS)}", field="kind")


def read_features(file: Path) -> Sequence[Any]:
    """Return the features of a GeoJSON file.

    Raises:
        InvalidInputError: it is none, or too long.
    """
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInputError(f"{file} is longer than {FILE_BYTES_MAX >> 20} MiB", field="file")
        value = orjson.loads(file.read_bytes())
        features = value["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"{file} is no GeoJSON FeatureCollection: {error}", field="file") from error
    if not isinstance(features, list):
        raise InvalidInputError(f"{file} is no GeoJSON FeatureCollection: features is no list", field="file")
    if len(features) > FEATURES_MAX:
        raise InvalidInputError(f"{file} has more than {FEATURES_MAX} features", field="file")
    return features


def drawable(features: Sequence[Any], box: Box) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the features that the site's map can draw, simplified where they have very many points, and the others."""
    found, left_out = [], []
    for number, feature in enumerate(features, start=1):
        geometry = geometry_of(feature.get("geometry")) if isinstance(feature, Mapping) else None
        fault = layer_fault(geometry, box)
        if geometry is None or fault is not None:
            left_out.append(f"feature {number}: {fault}")
        else:
            found.append((feature, geometry))
    many = sum(int(shapely.get_num_coordinates(geometry)) for _, geometry in found) > POINTS_MAX
    kept = [
        {
            "type": "Feature",
            "properties": names_of(feature.get("properties")),
            "geometry": dict(mapping(geometry.simplify(SIMPLIFY_DEGREES) if many else geometry)),
        }
        for feature, geometry in found
    ]
    return kept, left_out


def names_of(properties: Any) -> dict[str, str]:
    """Return the names among a feature's properties, each bounded."""
    if not isinstance(properties, Mapping):
        return {}
    return {
        name: value[:WORDS_MAX]
        for name in NAME_PROPERTIES
        if isinstance(value := properties.get(name), str) and "\0" not in value
    }
