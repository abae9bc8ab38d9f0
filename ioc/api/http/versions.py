"""The version that a change has seen: a route that asks for it answers 428 without it, and 412 on a lost race."""

import re
from typing import Annotated

from fastapi import Depends, Request

from ioc.api.http.openapi_responses import VERSION_PATTERN
from ioc.api.http.problems import PreconditionRequiredError
from ioc.errors import InvalidInputError

ETAG = re.compile(VERSION_PATTERN)


def seen_version(request: Request) -> int:
    """Return the version of If-Match: `"3"`, or an ETag as it was given; what lies behind the point is not asked.

    Raises:
        PreconditionRequiredError: there is none. InvalidInputError: it is neither.
    """
    header = request.headers.get("if-match")
    if header is None:
        raise PreconditionRequiredError('say which version you have seen: If-Match: "3"')
    match = ETAG.fullmatch(header.strip())
    if match is None:
        raise InvalidInputError('If-Match holds one version in quotes: "3"', field="If-Match")
    return int(match[1])


SeenVersion = Annotated[int, Depends(seen_version)]
"""Stands after the caller among a handler's parameters: who may not ask hears nothing of versions."""
