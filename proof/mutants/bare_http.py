"""The mutant that most small services are: uvicorn alone before the network."""

from __future__ import annotations

import ioc.edge.http_connection as room
from ioc.edge.http_guard import HTTPGuard


def apply() -> None:
    """Let uvicorn make plain connections."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    def unguarded(_: HTTPGuard) -> type[H11Protocol]:
        return H11Protocol

    room.guarded_by = unguarded  # type: ignore[assignment]
