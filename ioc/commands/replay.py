"""`ioc replay`: find the instance and a key, then let the replayer send through the real door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from ioc.assembly.context import open_context, ready_file
from ioc.domain.people.account import KeyKind
from ioc.errors import InvalidInputError, ServiceUnreachableError
from ioc.replay.engine import replay
from ioc.replay.options import ReplayOptions
from ioc.replay.report import report_for
from ioc.runtime.supervisor import read_ready
from ioc.settings import Settings
from ioc.store.postgres.scope import Scope
from ioc.store.registry.keys import KeyRequest, issue_key, revoke_key

ACTOR = "replay"


async def replay_file(
    settings: Settings, *, file: Path, feed: str, url: str | None, key: str | None, **options: Any
) -> int:
    """Replay a file; without a key, one is made for this run and revoked at its end. Returns the exit code.

    Raises:
        InvalidInputError: there is no such feed.
        ServiceUnreachableError: no instance runs on the data folder and no address was given.
    """
    report = report_for(Console(stderr=True))
    address = url or _address(settings)
    if url is None and address.startswith("https:") and settings.http_tls_cert is None:
        options["authority"] = settings.data_dir / "tls" / "ca.pem"
    if key is not None:
        result = await replay(ReplayOptions(file=file, feed=feed, url=address, key=key, **options), report=report)
        return result.exit_code
    async with open_context(settings, "replay", connections_max=2, patient=False) as context:
        if feed not in context.pack.feeds:
            raise InvalidInputError(f"there is no feed {feed}; there are {', '.join(context.pack.feeds)}", field="feed")
        request = KeyRequest(kind=KeyKind.FEED, name=f"replay {file.name}", actor=ACTOR, feed=feed)
        key_id, secret = await issue_key(context.database, request, scope=Scope(), now=context.wall.now())
        try:
            result = await replay(
                ReplayOptions(file=file, feed=feed, url=address, key=secret, **options), report=report
            )
        finally:
            await revoke_key(context.database, key_id, actor=ACTOR, address=None, now=context.wall.now())
    return result.exit_code


def _address(settings: Settings) -> str:
    ready = read_ready(ready_file(settings, "api"))
    port = ready.get("http_port")
    if port is None:
        raise ServiceUnreachableError(
            f"no instance runs on {settings.data_dir}: start it with `ioc up`, or name it with --url and --key"
        )
    return f"{ready.get('http_scheme', 'http')}://127.0.0.1:{port}"
