"""The sample contacts of a demo: entered once, as anybody enters them; what people made of them since stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ioc.assembly.context import ProcessContext
from ioc.contacts.demo_contacts import load_demo_contacts
from ioc.domain.contacts.directory import DirectoryAction, DirectoryNoun
from ioc.domain.scope import Scope
from ioc.errors import IOCError
from ioc.packs.loader import pack_folder
from ioc.store.contacts.changes import DirectoryChange, change_entry
from ioc.store.contacts.rows import DirectoryStep, read_stored

CONTACTS_FILE = Path("demo") / "contacts.yaml"


async def enter_contacts(context: ProcessContext, *, say: Callable[[str], None]) -> None:
    """Enter them into a directory of units that the pack has brought; what is wrong is said.

    Where there is one of them already, or was, none is entered: somebody may have taken it out. A pack without samples
    gets its demo all the same.
    """
    path = pack_folder(context.settings.pack) / CONTACTS_FILE
    if not await asyncio.to_thread(path.exists):
        return
    try:
        samples = await asyncio.to_thread(load_demo_contacts, path)
        contacts = samples.of({unit.id for unit in context.pack.units})
        async with context.database.connection() as connection:
            known = await read_stored(connection, DirectoryNoun.CONTACT, [contact.id for contact in contacts])
        if known:
            return
        step = DirectoryStep(context.wall.now(), DirectoryAction.PUT, samples.why, samples.entered_by)
        for contact in contacts:
            await change_entry(context.database, DirectoryChange(contact, 0), step, scope=Scope())
    except IOCError as error:
        say(f"{CONTACTS_FILE}: {error}")
