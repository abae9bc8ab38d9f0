"""The servers that one DSN names: each is asked under a deadline of its own, so that a frozen one hides no other.

libpq's ways to name several are understood: ``//host:1,host:2/db`` and ``?host=one,two&port=1,2``.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

OURS = ("target_session_attrs",)
"""We take a server that writes whatever the DSN says; the driver would ask all hosts under one deadline."""


def plain_dsn(dsn: str) -> str:
    """Return a DSN that asyncpg reads, from one that may name SQLAlchemy's driver."""
    return dsn.replace("postgresql+asyncpg://", "postgresql://", 1)


def servers_of(dsn: str) -> list[str]:
    """Return one DSN for each server that ``dsn`` names, in its order; never empty."""
    parts = urlsplit(plain_dsn(dsn))
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in OURS]
    named = dict(query)
    account, at, hosts = parts.netloc.rpartition("@")
    if "host" in named:
        asked, ports = named["host"].split(","), named.get("port", "").split(",")
        rest = [(name, value) for name, value in query if name not in ("host", "port")]
        return [
            _join(parts.scheme, parts.netloc, parts.path, [*rest, ("host", host), *_port(ports, number)])
            for number, host in enumerate(asked)
        ]
    return [_join(parts.scheme, account + at + host, parts.path, query) for host in hosts.split(",")]


def _port(ports: list[str], number: int) -> list[tuple[str, str]]:
    """Return the port of a host: its own, or the only one for all."""
    port = ports[number] if number < len(ports) else ports[-1]
    return [("port", port)] if port else []


def _join(scheme: str, netloc: str, path: str, query: list[tuple[str, str]]) -> str:
    return urlunsplit((scheme, netloc, path, urlencode(query, quote_via=quote, safe="/"), ""))


def without_password(dsn: str) -> str:
    """Return where a server is, for a log or a person: no account, no password."""
    parts = urlsplit(dsn)
    named = dict(parse_qsl(parts.query))
    place = parts.netloc.rpartition("@")[2] or named.get("host", "the default socket")
    return f"{place}:{named['port']}" if "port" in named else place
