"""Who asks: sessions for people, bearer keys for machines."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from ioc.api.caller import USER
from ioc.api.parts import APIParts, AreaCache
from ioc.domain.account import Principal, Role, parse_key
from ioc.errors import InvalidInputError
from ioc.store import accounts, keys
from ioc.store.areas import AreaBook

TOUCH_AFTER = timedelta(seconds=60)


class Authenticator:
    """Turns cookies and keys into principals; each request asks the database, so a revoked one ends at once."""

    def __init__(self, parts: APIParts, areas: AreaCache) -> None:
        self._parts = parts
        self._areas = areas
        settings = parts.settings
        self._limits = accounts.SessionLimits(
            timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours_max)
        )

    async def person(self, cookie: str) -> Principal | None:
        """Return who a session cookie speaks for, and note that it was used."""
        now, book = self._parts.wall.now(), await self._areas.book()
        async with self._parts.database.connection() as connection:
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
        now, book = self._parts.wall.now(), await self._areas.book()
        async with self._parts.database.connection() as connection:
            row = await keys.find_key(connection, secret, now)
            if row is None:
                return None
            if row["last_used_at"] is None or now - row["last_used_at"] > TOUCH_AFTER:
                await keys.touch_key(connection, row["id"], now)
        return self._of_key(row, book)

    async def ended(self, principals: Collection[Principal]) -> set[Principal]:
        """Return those that no longer stand as they did: signed out, expired, disabled, revoked, moved or re-roled."""
        now, book = self._parts.wall.now(), await self._areas.book()
        sessions = [principal.session_id for principal in principals if principal.session_id is not None]
        machines = [principal.key_id for principal in principals if principal.key_id is not None]
        async with self._parts.database.connection() as connection:
            people = await accounts.live_sessions(connection, sessions, now=now, limits=self._limits)
            living_keys = await keys.live_keys(connection, machines, now)
        standing = {self._of_session(row, book) for row in people.values()}
        standing |= {self._of_key(row, book) for row in living_keys.values()}
        return set(principals) - standing

    def _codes(self, text: str | None, book: AreaBook) -> frozenset[str] | None:
        """Return the areas of an account or key; one whose area is gone sees nothing rather than everything."""
        if text is None:
            return None
        try:
            return book.resolve(text, self._parts.today())
        except InvalidInputError:
            return frozenset()

    def _of_session(self, row: Mapping[str, Any], book: AreaBook) -> Principal:
        areas = self._codes(row["area"], book)
        return Principal(name=row["username"], kind=USER, role=Role(row["role"]), areas=areas, session_id=row["id"])

    def _of_key(self, row: Mapping[str, Any], book: AreaBook) -> Principal:
        areas = self._codes(row["area"], book)
        return Principal(name=row["name"], kind=row["kind"], areas=areas, feed=row["feed"], key_id=row["id"])
