"""A rule in plain words of both languages: one sentence for each thing that it says, in the order of reading."""

from collections.abc import Mapping, Sequence
from typing import Any

from ioc.domain.feed import FeedSpec, Label
from ioc.domain.severity import Severity
from ioc.errors import PackError
from ioc.rules.kinds.registry import KINDS
from ioc.rules.kinds.rule_kind import RuleKind
from ioc.rules.language.kinds import ALERTS
from ioc.rules.language.rule import REFIRE_US, Due, Mode, Rule
from ioc.rules.language.schedule import Holidays, Schedule
from ioc.rules.loading.loader import ONE_FOR_EVER_US, load_rule
from ioc.rules.words.clauses import (
    OF_ALERTS,
    OF_PLACE,
    Codes,
    DisplayLabel,
    begin,
    display_labels,
    duration_words,
    inner,
    pick,
)
from ioc.rules.words.measures import measure_remarks
from ioc.rules.words.rule_words import RuleWords, lasting

JSONObject = dict[str, Any]
DAY_WORDS = (
    ("thứ Hai", "Monday"), ("thứ Ba", "Tuesday"), ("thứ Tư", "Wednesday"), ("thứ Năm", "Thursday"),
    ("thứ Sáu", "Friday"), ("thứ Bảy", "Saturday"), ("Chủ nhật", "Sunday"),
)  # fmt: skip
HOLIDAYS: Mapping[Holidays, tuple[str, str]] = {
    Holidays.EXCLUDE: ("trừ ngày lễ", "not on holidays"), Holidays.ONLY: ("vào ngày lễ", "on holidays"),
}  # fmt: skip
WHOLE_DAY = ((0, 24 * 60),)


def rule_of(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec], *, version: int = 0, hash: str = "") -> Rule | None:  # noqa: A002 - the word of the pack
    """Return the rule that a stored body says, to be told; None for one that nobody accepts: its text says it all.

    It was checked when it was written. But a pack may bring a body that nobody has held against `ioc check`, and the
    feeds of a city change: such a rule must not take the list of all rules away.
    """
    try:
        return load_rule(body, feeds=feeds, hash=hash, version=version, compiles=False)
    except (PackError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None


def kind_of(rule: Rule) -> RuleKind:
    """Return the kind of a rule."""
    return KINDS[rule.kind]


def field_codes(rule: Rule, feeds: Mapping[str, FeedSpec]) -> Codes:
    """Return what the values of texts stand for in the feeds of a rule, by field, between quotation marks."""
    fields = [field for name in rule.feeds if name in feeds for field in feeds[name].fields.values()]
    return {
        field.name: {value: Label(f"“{word.vi}”", f"“{word.en}”") for value, word in field.words.items()}
        for field in fields
        if field.words
    }


def words_of(rule: Rule, feeds: Mapping[str, FeedSpec], codes: Codes | None = None) -> RuleWords:
    """Return a rule ready to be told; ``feeds`` are the pack's, ``codes`` what its codes stand for."""
    events = display_labels([feeds[name] for name in rule.feeds if name in feeds])
    if ALERTS in rule.feeds:
        events |= {name: DisplayLabel(label) for name, label in OF_ALERTS.items()}
    known = RuleWords(rule, feeds, {**field_codes(rule, feeds), **(codes or {})}, events, events)
    return RuleWords(rule, feeds, known.codes, events, {**events, **kind_of(rule).words.names(known)})


def sentences(told: RuleWords) -> list[JSONObject]:
    """Return what a rule says, each with `part`, `severity` (of a level, else null) and the texts `vi` and `en`.

    Parts: what, level, clear, ends, due, where, measure, by, hold, refire, active, mode.
    """
    rule, kind = told.rule, kind_of(told.rule).words
    found: list[JSONObject] = []

    def add(part: str, vi: str, en: str, severity: str | None = None) -> None:
        if vi:
            found.append({"part": part, "severity": severity, "vi": begin(vi), "en": begin(en)})

    add("what", kind.what(told, vi=True), kind.what(told, vi=False))
    for level in rule.levels:
        add("level", kind.level(told, level, vi=True), kind.level(told, level, vi=False), level.severity.value)
    if rule.ends_by_person:
        add("ends", "chỉ kết thúc khi trực ban ghi kết quả xử lý", "ends only when somebody tells its outcome")
    else:
        add("clear", clear_words(told, vi=True), clear_words(told, vi=False))
    add("due", due_words(rule.due, vi=True), due_words(rule.due, vi=False))
    if rule.where is not None:
        where = {vi: inner(told.event_clause(rule.where, vi=vi)) for vi in (True, False)}
        add("where", f"chỉ tính khi {where[True]}", f"only where {where[False]}")
    measures = rule.spec.own_measures
    for vi, en in zip(*(measure_remarks(measures, told.events, vi=vi, codes=told.codes) for vi in (True, False)),
                      strict=True):  # fmt: skip
        add("measure", vi, en)
    add("by", by_words(told, vi=True), by_words(told, vi=False))
    if not rule.ends_by_person:
        add("hold", hold_words(rule, vi=True), hold_words(rule, vi=False))
    add("refire", refire_words(rule, vi=True), refire_words(rule, vi=False))
    if rule.schedule is not None:
        add("active", active_words(rule.schedule, vi=True), active_words(rule.schedule, vi=False))
    if rule.mode is Mode.MONITOR:
        add("mode", "theo dõi, không báo: chỉ đếm, không tạo cảnh báo", "monitored: it counts and raises no alert")
    return found


def join_sentences(told: Sequence[JSONObject]) -> JSONObject:
    """Return sentences as one text in both languages, each level with the word of its severity."""
    return {
        language: ". ".join(
            f"{severity_words(item['severity'], language)}: {item[language]}" if item["severity"] else item[language]
            for item in told
        )
        for language in ("vi", "en")
    }


def own_names(told: RuleWords) -> JSONObject:
    """Return how the rule's own measures, and what its kind finds out, are named: label and unit by name."""
    return {
        name: {"label": {"vi": known.label.vi, "en": known.label.en}, "unit": known.unit}
        for name, known in kind_of(told.rule).words.names(told).items()
    }


def severity_words(name: str, language: str) -> str:
    """Return the decided word for a level."""
    return Severity(name).label_vi if language == "vi" else name.capitalize()


def clear_words(told: RuleWords, *, vi: bool) -> str:
    """Return when the alert is over."""
    clear = told.rule.clear
    if clear.when is not None:
        text = inner(told.clause(clear.when, vi=vi)) + lasting(clear.for_us, vi=vi)
        return f"hết khi {text}" if vi else f"ends when {text}"
    text = duration_words(clear.for_us, vi=vi)
    if not text:
        return ""
    return f"hết khi không còn mức nào đúng, kéo dài {text}" if vi else f"ends when no level has held for {text}"


def due_words(due: Due, *, vi: bool) -> str:
    """Return how long people have."""
    taken, done = duration_words(due.acknowledge_us, vi=vi), duration_words(due.resolve_us, vi=vi)
    said = [
        (f"phải có người nhận trong {taken}" if vi else f"to be taken within {taken}") if taken else "",
        (f"phải xử lý xong trong {done}" if vi else f"to be done within {done}") if done else "",
    ]
    return ", ".join(part for part in said if part)


def by_words(told: RuleWords, *, vi: bool) -> str:
    """Return what has an alert of its own; that of each device goes without saying."""
    parts = told.rule.by
    if parts in ((), ("device",)):
        return ""
    labels = [(told.events.get(name) or DisplayLabel(OF_PLACE.get(name) or Label(name, name))).label for name in parts]
    each = (" và " if vi else " and ").join(inner(pick(label, vi=vi)) for label in labels)
    return kind_of(told.rule).words.each(each, vi=vi)


def hold_words(rule: Rule, *, vi: bool) -> str:
    """Return how long a reading counts; the time for which a kind lets stand what it found goes without saying."""
    text = "" if rule.hold_us == rule.spec.stands_us else duration_words(rule.hold_us, vi=vi)
    if not text:
        return ""
    return (f"mỗi tin có hiệu lực {text}, không có tin mới thì cảnh báo tự hết" if vi
            else f"a reading counts for {text}; without a newer one the alert ends by itself")  # fmt: skip


def refire_words(rule: Rule, *, vi: bool) -> str:
    """Return in what time the same alert opens again, where that is not the usual one."""
    text = "" if rule.refire_us in (REFIRE_US, ONE_FOR_EVER_US) else duration_words(rule.refire_us, vi=vi)
    if not text:
        return ""
    return (f"tái diễn trong vòng {text} thì mở lại chính cảnh báo cũ" if vi
            else f"if it returns within {text} the same alert opens again")  # fmt: skip


def active_words(schedule: Schedule, *, vi: bool) -> str:
    """Return when a rule counts."""
    parts: list[str] = []
    if schedule.hours != WHOLE_DAY:
        hours = ", ".join(f"{clock(start)}–{clock(end)}" for start, end in schedule.hours)
        parts.append(f"từ {hours}" if vi else f"from {hours}")
    if len(schedule.days) < len(DAY_WORDS):
        parts.append(", ".join(DAY_WORDS[day][not vi] for day in sorted(schedule.days)))
    if schedule.holidays in HOLIDAYS:
        parts.append(HOLIDAYS[schedule.holidays][not vi])
    return f"{'chỉ áp dụng' if vi else 'counts only'} {', '.join(parts)}" if parts else ""


def clock(minutes: int) -> str:
    """Return a time of the day: `22:00`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
