"""The named schemas of the description: models and enumerations under the names that clients get to see."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from ioc.api.serializers.models.base import SUFFIX
from ioc.api.serializers.models.system import ClockModel, ResetModel, StreamGoneModel

REF = "#/components/schemas/"
FILLER = "mypyc filler docstring"
"""What stands for the docstring of a compiled enumeration: it tells a reader of the description nothing."""
OF_FRAMEWORK = ("HTTPValidationError", "ValidationError")
"""What FastAPI writes for its own refusals, which nobody gets here."""
PUBLIC: Mapping[str, str] = {
    "Advice": "AirAdvice", "DeviceHealth": "DeviceHealthKind", "HealthState": "RuleHealthState",
    "RuleKindName": "RuleKind", "Mode": "RuleMode", "Presence": "PresenceState", "Weight": "RuleProblemSeverity",
}  # fmt: skip
"""Enumerations that are clear where they stand in the code, and not beside all others."""


def public_name(name: str) -> str:
    """Return what a class is called in the description."""
    return PUBLIC.get(name, name.removesuffix(SUFFIX))


def public_names(document: dict[str, Any]) -> None:
    """Give every named schema of a document, and every reference to one, its public name, in place.

    Raises:
        RuntimeError: two would have the same.
    """
    schemas = document.get("components", {}).get("schemas", {})
    _rename(document)
    for schema in schemas.values():
        if schema.get("description") == FILLER:
            del schema["description"]
    renamed = {public_name(name): schema for name, schema in schemas.items()}
    if len(renamed) != len(schemas):
        raise RuntimeError("two schemas of the API's description have one name")
    schemas.clear()
    schemas.update(renamed)


def _rename(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _rename(item)
    elif isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(REF):
            value["$ref"] = REF + public_name(reference.removeprefix(REF))
        if isinstance(value.get("mapping"), dict):  # of a discriminator
            value["mapping"] = {
                kind: REF + public_name(str(target).removeprefix(REF)) for kind, target in value["mapping"].items()
            }
        if (isinstance(value.get("title"), str) and "type" in value) or "$ref" in value or "anyOf" in value:
            value.pop("title", None)  # a repetition of its name
        for item in value.values():
            _rename(item)


def stream_schemas() -> dict[str, Any]:
    """Return the schemas of the stream's own events, which OpenAPI 3.1 has no place for at the route."""
    models = [(model, "serialization") for model in (ClockModel, ResetModel, StreamGoneModel)]
    _, found = models_json_schema(models, ref_template=REF + "{model}")  # type: ignore[arg-type]
    document = {"components": {"schemas": dict(found["$defs"])}}
    public_names(document)
    return document["components"]["schemas"]
