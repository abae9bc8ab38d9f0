"""Reading a small JSON body strictly: size, type, duplicate keys, NaN, NUL and unknown members are refused."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, TypeVar

from fastapi import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from ioc.api.problems import faults
from ioc.errors import BodyTooLargeError, InvalidInputError, UnsupportedMediaTypeError

BODY_BYTES_MAX = 64 << 10


class Input(BaseModel):
    """A body that guesses nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a NUL character cannot be kept")
    return text


Line = Annotated[str, AfterValidator(_storable)]
"""Text that PostgreSQL can keep."""
InputT = TypeVar("InputT", bound=Input)


async def read_body(request: Request, model: type[InputT], *, bytes_max: int = BODY_BYTES_MAX) -> InputT:
    """Return the body as ``model``.

    Raises:
        UnsupportedMediaTypeError: it is not application/json.
        BodyTooLargeError: it has more than ``bytes_max``.
        InvalidInputError: it is not strict JSON or does not fit the model; the first fault is named.
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
        return model.model_validate_json(bytes(raw))
    except ValidationError as error:
        fault = faults(error.errors(include_url=False, include_input=False))[0]
        raise InvalidInputError(f"{fault['field']}: {fault['message']}", field=fault["field"]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("the body is not strict JSON") from error


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate keys")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def described(model: type[Input]) -> dict[str, Any]:
    """Return the OpenAPI note of a body that a route reads itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
