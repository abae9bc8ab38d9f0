"""docs/pack.md: the rules and feeds of the shipped pack in tables, written from the pack itself."""

from __future__ import annotations

from ioc.domain.alert import Limit
from ioc.domain.feed import FeedSpec
from ioc.packs.loader import load_pack
from ioc.packs.pack import Pack
from ioc.rules.language.amounts import number_text
from ioc.rules.language.rule import Mode, Rule
from ioc.rules.loading.loader import load_rule

TOP = """# The pack of Hòa Bình and Lương Sơn

Written from `ioc/packs/hoabinh/` by `python -m tests.docs.reference`. {rules} rules over {feeds} feeds in {domains}
domains; {verified} of {limits} limits are verified: somebody has read the text that they come from. All others say so
wherever they are shown, and most of them are the site's own operating values, to be confirmed by the body that answers
for them. Every rule has at least one timeline in `tests/timelines/`: what fires it, what is just under it, and how it
ends. A rule of mode `monitor` evaluates and raises nothing; rules over alerts see it.

## Rules

| rule | domain | kind | says | levels | limit | source | verified |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
TRANSCRIBED = "bản chép"
"""What the source of a limit says that was taken from a transcription of its text."""
TRANSCRIBED_TOP = """
## Limits that rest on a transcription

Their figures are those of a transcription of the text; nobody here has read the text itself, so they are unverified.

| rule | limit | source |
| --- | --- | --- |
"""
FEEDS_TOP = """
## Feeds

Names of fields carry their unit where they have one; `ioc/packs/hoabinh/feeds/` has labels, bounds and notes.
*restricted*: not for walls, CAP or public pages. *any source*: who sends need not be a registered device.
*occasional*: it speaks when something happens, so its silence alone darkens no domain.
*working days*: its period counts those alone.

| feed | domain | main field | expected every | fields | |
| --- | --- | --- | --- | --- | --- |
"""
LOOKUPS_TOP = """
## Lookup tables

What alerts are told with ([lookups](lookups.md)), without their rows.
*restricted*: for people alone, every look is audited.

| table | people read | key | columns | |
| --- | --- | --- | --- | --- |
"""
HOLIDAYS_TOP = """
## Holidays

`calendar.yaml`, for rules that count on working days or on days off only.

| day | what | source | verified |
| --- | --- | --- | --- |
"""


def pack_page() -> str:
    """Return docs/pack.md."""
    pack = load_pack("hoabinh", shapes=False)
    numbers = {domain.id: domain.number for domain in pack.domains}
    rules = [
        load_rule(rule.body, feeds=pack.feeds, hash=rule.hash, version=1, zone=pack.zone)
        for rule in sorted(pack.rules, key=lambda rule: (numbers[str(rule.body["domain"])], rule.id))
    ]
    limits = [limit for rule in rules for limit in limits_of(rule)]
    top = TOP.format(
        rules=len(rules), feeds=len(pack.feeds), domains=len(pack.domains), limits=len(limits),
        verified=sum(limit.verified for limit in limits),
    )  # fmt: skip
    return (
        top
        + "".join(rule_line(rule, numbers[rule.domain]) for rule in rules)
        + TRANSCRIBED_TOP
        + transcribed_lines(rules)
        + FEEDS_TOP
        + feed_lines(pack, numbers)
        + LOOKUPS_TOP
        + lookup_lines(pack)
        + HOLIDAYS_TOP
        + "".join(
            f"| {day.date} | {day.name.vi} | {day.source} | {yes(verified=day.verified)} |\n" for day in pack.holidays
        )
    )


def limits_of(rule: Rule) -> list[Limit]:
    """Return every limit of a rule, its levels' own ones after its own."""
    return [*rule.limits, *(limit for level in rule.levels for limit in level.limits)]


def transcribed_lines(rules: list[Rule]) -> str:
    """Return a line for each limit that rests on a transcription."""
    return "".join(
        f"| `{rule.id}` | {number_text(limit.value, digits=3, vi=False)} {limit.unit} | {limit.source} |\n"
        for rule in rules
        for limit in limits_of(rule)
        if TRANSCRIBED in limit.source
    )


def rule_line(rule: Rule, number: str) -> str:
    """Return one rule's line."""
    levels = ", ".join(level.severity.value for level in rule.levels)
    limits = limits_of(rule)
    shown = "; ".join(f"{number_text(limit.value, digits=3, vi=False)} {limit.unit}" for limit in limits)
    sources = "; ".join(dict.fromkeys(limit.source for limit in limits))
    verified = "; ".join(dict.fromkeys(yes(verified=limit.verified) for limit in limits))
    kind = rule.kind if rule.mode is Mode.ALERT else f"{rule.kind}, monitor"
    cells = (f"`{rule.id}`", number, kind, rule.title.en, levels, shown or "–", sources or "–", verified or "–")
    return f"| {' | '.join(cells)} |\n"


def feed_lines(pack: Pack, numbers: dict[str, str]) -> str:
    """Return the feeds' lines, by domain."""
    lines = []
    for feed in sorted(pack.feeds.values(), key=lambda feed: (numbers[feed.domain], feed.id)):
        notes = [word for word, holds in (("restricted", feed.restricted), ("any source", not feed.device_required),
                                     ("occasional", feed.occasional), ("working days", feed.working_days))
                 if holds]  # fmt: skip
        fields = " ".join(f"`{name}`" for name in feed.fields)
        cells = (
            f"`{feed.id}`",
            numbers[feed.domain],
            f"`{feed.main_field}`",
            period_of(feed),
            fields,
            ", ".join(notes),
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def lookup_lines(pack: Pack) -> str:
    """Return the lookup tables' lines."""
    lines = []
    for table in pack.lookups:
        feeds = ", ".join(f"`{feed}`" for feed in table.feeds)
        key = f"device of {feeds}" if table.of_devices else f"`{table.field}` of {feeds}, as {table.match}"
        columns = " ".join(f"`{column.id}`" for column in table.columns)
        cells = (f"`{table.id}`", table.label.vi, key, columns, "restricted" if table.restricted else "")
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def period_of(feed: FeedSpec) -> str:
    """Return the expected period in its largest whole unit."""
    seconds = int(feed.expected_period.total_seconds())
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    return next(f"{seconds // size} {unit}" for size, unit in units if seconds % size == 0)


def yes(*, verified: bool) -> str:
    """Return the word for it."""
    return "yes" if verified else "no"
