"""Metrics between processes: each role serves its own on a socket in the data folder; the api joins them.

The joined text carries a `role` label, so that a counter of two processes is never added up wrongly or lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

SOCKET_PATH_MAX = 100
"""The kernel allows 107 bytes."""
READ_SECONDS = 1.0
TEXT_BYTES_MAX = 8 << 20


def socket_path(data_dir: Path, role: str) -> Path:
    """Return where a role serves its metrics; a data folder with a long path gets a short stand-in."""
    path = data_dir.resolve() / "run" / f"metrics-{role}.sock"
    if len(str(path)) <= SOCKET_PATH_MAX:
        return path
    short = hashlib.sha256(str(path.parent).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ioc-{short}" / path.name


async def serve_metrics(path: Path, registry: CollectorRegistry) -> asyncio.Server:
    """Answer every connection with the registry's text and close it; the text is made beside the event loop."""
    _make_way(path)

    rendering = asyncio.Lock()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS), rendering:  # who waited longer is gone
                text = await asyncio.to_thread(generate_latest, registry)
            writer.write(text)
            await asyncio.wait_for(writer.drain(), READ_SECONDS)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_unix_server(answer, path)


def _make_way(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)


async def read_metrics(path: Path) -> str | None:
    """Return a role's text, or None when it does not answer within a second, or without an end."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            text = bytearray()
            while len(text) <= TEXT_BYTES_MAX and (chunk := await reader.read(TEXT_BYTES_MAX)):
                text += chunk
            writer.close()
    except (TimeoutError, OSError):
        return None
    return text.decode() if len(text) <= TEXT_BYTES_MAX else None


def join_metrics(texts: Iterable[tuple[str, str]]) -> Iterable[Metric]:
    """Merge (role, text) pairs into families whose samples carry the role."""
    families: dict[str, Metric] = {}
    for role, text in texts:
        for family in text_string_to_metric_families(text):
            merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                merged.samples.append(sample._replace(labels={**sample.labels, "role": role}))
    return families.values()
