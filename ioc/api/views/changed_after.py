"""`changed_after` on a list: what a district system has missed since a position, closures and losses included.

Each noun that can be followed hands in how it is listed, loaded and rendered; the rest is the same for all of them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from ioc.api.http import paging, responses
from ioc.api.http.filters import ChangesPage
from ioc.api.serializers import nouns
from ioc.store.changes.changed_after import read_changed
from ioc.store.postgres.engine import Connection, Database
from ioc.store.postgres.scope import Scope

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FollowedNoun:
    """One noun whose list takes `changed_after`.

    ``kind`` is that of its changes, ``name`` of its route. ``listed`` returns those of some ids that are inside the
    wall and fit the filters; ``load`` returns them without any wall, so that what is hidden stays unsaid.
    """

    kind: str
    name: str
    listed: Callable[[Connection, Sequence[str]], Awaitable[Sequence[Row]]]
    load: Callable[[Connection, Sequence[str]], Awaitable[Mapping[str, Row]]]
    render: Callable[[Row], nouns.JSONObject]


async def changes_response(
    request: Request, database: Database, noun: FollowedNoun, *, filters: ChangesPage, scope: Scope
) -> Response:
    """Return what has changed after `changed_after`, oldest change first, each thing once and as it is now.

    An item that no longer belongs to the list (it left the area, the filters or the registry) is
    `{"id", "gone": true}`. `position` is how far the reader has come: it asks again from there.

    Raises:
        ChangesPrunedError: the position is too old, or not of this instance.
    """
    assert filters.changed_after is not None
    keys = paging.read_cursor(noun.name, filters.model_dump(), filters.cursor, (int,))
    after = keys[0] if keys else filters.changed_after
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        changed = await read_changed(connection, noun.kind, after=after, scope=scope, limit=filters.limit)
        ids = [name for _, name in changed.items]
        listed = {row["id"]: row for row in await noun.listed(connection, ids)} if ids else {}
        lost = [name for name in ids if name not in listed]
        others = await noun.load(connection, lost) if lost else {}
    items = []
    for position, name in changed.items:
        if name in listed:
            items.append({**noun.render(listed[name]), "change_position": position})
        elif not _is_hidden(others.get(name), scope):
            items.append({"id": name, "gone": True, "change_position": position})
    following = paging.make_cursor(noun.name, filters.model_dump(), [changed.position]) if changed.more else None
    return responses.list_response(request, items, following=following, position=changed.position, name=noun.name)


def _is_hidden(row: Row | None, scope: Scope) -> bool:
    """Tell whether the reader may not even know of a thing: restricted, or of a feed that is hidden from them."""
    if row is None:
        return False
    return (bool(row.get("restricted")) and not scope.restricted) or row["feed"] in scope.hidden_feeds
