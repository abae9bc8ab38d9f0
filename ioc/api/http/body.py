"""Reading a small JSON body strictly: size, type, duplicate keys, NaN, NUL and unknown members are refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, TypeVar

from fastapi import Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from ioc.api.http.problems import faults
from ioc.api.wall.write_side import check_body
from ioc.errors import BodyTooLargeError, InvalidInputError, UnsupportedMediaTypeError

BODY_BYTES_MAX = 64 << 10


class Input(BaseModel):
    """A body that guesses nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be kept")
    return text


STORABLE = AfterValidator(_storable)
"""Text that PostgreSQL can keep. A pattern stands before it: behind a validator the description would lack it."""
Line = Annotated[str, STORABLE]
Why = Annotated[str, Field(min_length=3, max_length=500, pattern=r"\S.*\S"), STORABLE]
"""Why somebody does it, in words."""


class Reasoned(Input):
    """Something that is done, and why."""

    why: Why


class Reason(Input):
    """Why something is refused or undone."""

    reason: Why


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Takes `1.0` for 1: JSON has one kind of number, and JSON Schema calls both an integer."""


@dataclass(frozen=True, slots=True)
class NotNull:
    """Marks a member that may be left out, and is never null where it is sent; the description says so."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Refuse null; a default is not looked at."""
        return core_schema.no_info_before_validator_function(_not_null, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Take null out of what may be sent."""
        found = handler(schema)
        options = [part for part in found.pop("anyOf", ()) if part.get("type") != "null"]
        return {**found, **options[0]} if len(options) == 1 else {**found, "anyOf": options}


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("cannot be null")
    return value


InputT = TypeVar("InputT", bound=Input)


async def read_file(request: Request, bytes_max: int) -> bytes:
    """Return a body that is a file.

    Raises:
        BodyTooLargeError: it has more bytes than are taken.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > bytes_max:
            raise BodyTooLargeError(f"a file has at most {bytes_max >> 20} MiB")
    return bytes(raw)


async def read_body(request: Request, model: type[InputT], *, bytes_max: int = BODY_BYTES_MAX) -> InputT:
    """Return the body as ``model``.

    Raises:
        UnsupportedMediaTypeError: it is not application/json.
        BodyTooLargeError: it has more than ``bytes_max``.
        InvalidInputError: it is not strict JSON or does not fit the model; the first fault is named.
        ForbiddenError: it names an area that is not the caller's.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaTypeError("send the body as application/json")
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > bytes_max:
            raise BodyTooLargeError(f"at most {bytes_max} bytes")
    try:
        json.loads(bytes(raw), object_pairs_hook=_unique, parse_constant=_no_constant)
        body = model.model_validate_json(bytes(raw))
    except ValidationError as error:
        fault = faults(error.errors(include_url=False, include_input=False))[0]
        raise InvalidInputError(f"{fault['field']}: {fault['message']}", field=fault["field"]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("the body is not strict JSON") from error
    caller = request.scope.get("ioc.caller")
    if caller is not None:
        await check_body(body, caller, request.app.state.api.context.database)
    return body


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate keys")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def request_body(model: type[Input]) -> dict[str, Any]:
    """Return the OpenAPI note of a body that a route reads itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
