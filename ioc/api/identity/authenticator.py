"""Who asks: sessions for people, bearer keys for machines."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from ioc.api.context import APIContext, AreaCache
from ioc.domain.people.account import USER, Principal, parse_key
from ioc.domain.people.capabilities import Role
from ioc.store.accounts import accounts
from ioc.store.registry import keys
from ioc.store.registry.areas import AreaBook

TOUCH_AFTER = timedelta(seconds=60)


class Authenticator:
    """Turns cookies and keys into principals; each request asks the database, so a revoked one ends at once."""

    def __init__(self, context: APIContext, areas: AreaCache) -> None:
        self._context = context
        self._areas = areas
        settings = context.settings
        self._limits = accounts.SessionLimits(
            timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours_max)
        )

    async def person(self, cookie: str) -> Principal | None:
        """Return who a session cookie speaks for, and note that it was used."""
        now, book = self._context.wall.now(), await self._areas.book()
        async with self._context.database.connection() as connection:
            row = await accounts.find_session(connection, cookie, now=now, limits=self._limits)
            if row is None:
                return None
            if now - row["seen_at"] > TOUCH_AFTER:
                await accounts.touch_session(connection, row["id"], now)
        return self._of_session(row, book)

    async def machine(self, secret: str) -> Principal | None:
        """Return who a key speaks for; a typo fails its checksum without the database."""
        if parse_key(secret) is None:
            return None
        now, book = self._context.wall.now(), await self._areas.book()
        async with self._context.database.connection() as connection:
            row = await keys.find_key(connection, secret, now)
            if row is None:
                return None
            if row["last_used_at"] is None or now - row["last_used_at"] > TOUCH_AFTER:
                await keys.touch_key(connection, row["id"], now)
        return self._of_key(row, book)

    async def ended(self, principals: Collection[Principal]) -> set[Principal]:
        """Return those that no longer stand as they did: signed out, expired, disabled, revoked, moved or re-roled."""
        now, book = self._context.wall.now(), await self._areas.book()
        sessions = [principal.session_id for principal in principals if principal.session_id is not None]
        machines = [principal.key_id for principal in principals if principal.key_id is not None]
        async with self._context.database.connection() as connection:
            people = await accounts.live_sessions(connection, sessions, now=now, limits=self._limits)
            living_keys = await keys.live_keys(connection, machines, now)
        standing = {self._of_session(row, book) for row in people.values()}
        standing |= {self._of_key(row, book) for row in living_keys.values()}
        return set(principals) - standing

    def _codes(self, text: str | None, book: AreaBook) -> frozenset[str] | None:
        """Return the areas of an account or key; one whose area is gone sees nothing rather than everything."""
        return book.scope_of(text, self._context.today()).areas

    def _of_session(self, row: Mapping[str, Any], book: AreaBook) -> Principal:
        areas = self._codes(row["area"], book)
        return Principal(
            name=row["username"],
            kind=USER,
            role=Role(row["role"]),
            areas=areas,
            area=row["area"],
            session_id=row["id"],
            temporary=row["temporary"],
        )

    def _of_key(self, row: Mapping[str, Any], book: AreaBook) -> Principal:
        areas = self._codes(row["area"], book)
        return Principal(
            name=row["name"], kind=row["kind"], areas=areas, area=row["area"], feed=row["feed"], key_id=row["id"]
        )
