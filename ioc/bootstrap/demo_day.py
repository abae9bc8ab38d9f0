"""The day before a demo: its shifts had small troubles and handled them, and all of that is in the log, as it would be.

On an empty log, before any role runs, the pack's `demo/yesterday.yaml` is played on a virtual log clock that begins a
day back: through the intake's checks and the batcher, into the same log and the same rule engine as everything later.
People act through the same function as the API's. Then the log goes on with the time of the wall. Nothing is inserted
behind the engine's back, so `ioc verify alerts` recomputes that day like any other. What people did is dated by the
virtual clock in the alerts and by the wall in the audit trail, as in a drill.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from ioc.api.identity.passwords import Passwords
from ioc.assembly.context import ProcessContext
from ioc.assembly.drill_folder import DrillMark
from ioc.bootstrap.demo_lookups import DemoLookups
from ioc.bootstrap.demo_sheet import DemoSheet
from ioc.bootstrap.engine import rule_engine
from ioc.bootstrap.intake import open_intake
from ioc.domain.event import Outcome
from ioc.domain.scope import Scope
from ioc.drills.conductor import Conductor, PersonAction, PlayReport
from ioc.drills.instance import pack_of_drill
from ioc.errors import IOCError
from ioc.ingest.pipeline.batcher import Pipeline
from ioc.ingest.pipeline.delivery import Delivery
from ioc.packs.loader import pack_folder
from ioc.packs.pack import Pack
from ioc.replay.day_story import DayStory, PlacedEpisode, WorkStep, load_story, placed, spans
from ioc.replay.publisher import DeviceKey
from ioc.replay.scenario import Turn
from ioc.runtime.drill_clock import DrillClock
from ioc.store.accounts.accounts import Actor, create_account
from ioc.store.alerts.reader import AlertFilter, list_alerts
from ioc.store.alerts.work import Work, do_work
from ioc.store.log.partitions import ensure_partitions
from ioc.store.postgres.wakeup import LOG_CHANNEL, Wakeup
from ioc.store.rules.pack_apply import PackStore

STORY_FILE = Path("demo") / "yesterday.yaml"
EVERYWHERE = Scope()
DOOR = "http"
BEFORE = timedelta(minutes=10)
"""The log begins so long before the first episode."""
AHEAD = timedelta(days=2)
REFUSED = 0x80


async def play_yesterday(context: ProcessContext, heard: Path, *, say: Callable[[str], None]) -> PlayReport | None:
    """Play the day before into an empty log and write into ``heard`` who spoke when.

    None where the log has begun, or the pack has no such day.

    Raises:
        InvalidInputError: the pack's file cannot be used.
    """
    path = pack_folder(context.settings.pack) / STORY_FILE
    if (await context.log.head())[0] > 0 or not await asyncio.to_thread(path.exists):
        return None
    story = load_story(path)
    episodes = placed(story, context.wall.now())
    say("playing the shifts before")
    with TemporaryDirectory(prefix="ioc-yesterday-") as folder:
        clock = DrillClock.make(Path(folder) / "drill-clock", episodes[0].start - BEFORE)
        clock.partitions_until = context.wall.now() + AHEAD
        # The same database, dated by the virtual clock; nobody else is there yet.
        past = replace(context, log_clock=clock, drill=clock)
        await ensure_partitions(context.database, clock.now())
        await PackStore(context.database, context.log).apply(
            pack_of_drill(_pack_of_day(context.pack, episodes), DrillMark(clock.now())), clock.now()
        )
        await _make_people(past, story)
        played = await _play(past, clock, episodes, say)
    await asyncio.to_thread(_tell, heard, episodes)
    return played


def _pack_of_day(pack: Pack, episodes: Sequence[PlacedEpisode]) -> Pack:
    """Return the pack with the devices that play in the day, and what these belong to.

    All others come with the demo itself: nothing is expected of them on a day on which nobody spoke for them.
    """
    parents = {device.id: device.parent for device in pack.devices}
    playing: set[str] = set()
    for episode in episodes:
        name: str | None = episode.episode.device
        while name is not None and name not in playing:
            playing.add(name)
            name = parents.get(name)
    return replace(pack, devices=tuple(device for device in pack.devices if device.id in playing))


async def _play(
    past: ProcessContext, clock: DrillClock, episodes: list[PlacedEpisode], say: Callable[[str], None]
) -> PlayReport:  # fmt: skip
    """Run the intake and the engine in this process while the conductor goes through the day."""
    async with open_intake(past) as intake, Wakeup(past.database, LOG_CHANNEL) as waiter:
        engine = asyncio.create_task(rule_engine(past, waiter).run(), name="yesterday-engine")
        conductor = Conductor(
            clock=clock, host="", port=0, speed=0.0,
            keys={item.episode.device: DeviceKey(item.episode.device, item.episode.feed, "") for item in episodes},
            sender=lambda key: _EpisodeSender(intake.pipeline, past, key),
        )  # fmt: skip

        async def sheets() -> None:
            await DemoSheet(past, intake, say).perform()
            await DemoLookups(past, say).perform()

        sheet = PersonAction(episodes[0].start, sheets)
        playing = asyncio.create_task(
            conductor.play(_day(past, episodes, sheet, say), max(item.end for item in episodes))
        )
        try:
            await asyncio.wait({playing, engine}, return_when=asyncio.FIRST_COMPLETED)
            if engine.done():
                engine.result()  # it never ends by itself: this raises why it did
            return await playing
        finally:
            for task in (playing, engine):
                task.cancel()
            await asyncio.gather(playing, engine, return_exceptions=True)


def _day(
    past: ProcessContext, episodes: list[PlacedEpisode], sheet: PersonAction, say: Callable[[str], None]
) -> Iterator[Turn | PersonAction]:
    """Return readings and deeds of all episodes in the order of their moments; at one moment readings come first."""
    readings = (item.turns(number) for number, item in enumerate(episodes))
    actions = [
        PersonAction(item.start + timedelta(minutes=step.minute), _EpisodeStep(past, item, step, say).perform)
        for item in episodes
        for step in item.episode.work
    ]
    both: list[Turn | PersonAction] = [*itertools.chain.from_iterable(readings), sheet, *actions]
    return iter(sorted(both, key=lambda entry: entry.moment))


@dataclass(frozen=True, slots=True)
class _EpisodeStep:
    """One step of one person about the alert of an episode."""

    past: ProcessContext
    item: PlacedEpisode
    step: WorkStep
    say: Callable[[str], None]

    async def perform(self) -> None:
        """Act on the newest alert that the episode's rule raised since it began; say so where it raised none."""
        episode, database = self.item.episode, self.past.database
        chosen = AlertFilter(rules=[episode.rule], feeds=[episode.feed], since=self.item.start)
        async with database.connection() as connection:
            rows = await list_alerts(connection, chosen, EVERYWHERE, sort="newest", after=None, limit=5)
        alert = next((row for row in rows if row["device"] in (None, episode.device)), None)
        if alert is None:
            # A pack whose rules or limits are others still gets its demo: without this step.
            self.say(f"{STORY_FILE}: {episode.id}: {episode.rule} had raised nothing by minute {self.step.minute:g}")
            return
        work = Work(alert["id"], self.step.action, alert["version"], actor=self.step.by, text=self.step.text)
        try:
            await do_work(database, work, scope=EVERYWHERE, now=self.past.log_clock.now(), wall=self.past.wall.now())
        except IOCError as error:
            self.say(f"{STORY_FILE}: {episode.id}, minute {self.step.minute:g}: {error}")


@dataclass(frozen=True, slots=True)
class _EpisodeSender:
    """A device's readings straight into the pipeline: all checks of a door but its key."""

    pipeline: Pipeline
    past: ProcessContext
    key: DeviceKey

    async def publish(self, payload: bytes) -> int:
        """Return 0 once the reading is committed, :data:`REFUSED` where it is none."""
        delivery = Delivery(
            feed=self.key.feed, device=self.key.device, body=payload, received_at=self.past.log_clock.now(), door=DOOR,
            nonce=secrets.token_bytes(16),
        )  # fmt: skip
        receipts = await self.pipeline.submit(delivery)
        return REFUSED if any(receipt.outcome is Outcome.REFUSED for receipt in receipts) else 0

    async def close(self) -> None:
        """There is none to end."""


async def _make_people(past: ProcessContext, story: DayStory) -> None:
    """Give the people of the shifts before their accounts; nobody knows a password of theirs."""
    password_hash = await Passwords().hash(secrets.token_urlsafe(32))
    for person in story.people:
        await create_account(
            past.database, username=person.username, name=person.name, role=person.role, area=None,
            password_hash=password_hash, temporary=True, actor=Actor("demo"), now=past.wall.now(),
        )  # fmt: skip


def _tell(path: Path, episodes: list[PlacedEpisode]) -> None:
    path.write_text(json.dumps({"heard": spans(episodes)}) + "\n", encoding="utf-8")
