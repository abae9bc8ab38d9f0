"""A rule in plain words of both languages: one sentence for each thing that it says, in the order of reading."""

from collections.abc import Mapping, Sequence
from typing import Any

from ioc.api.condition_words import (
    OF_ALERTS,
    OF_PLACE,
    Codes,
    Told,
    begin,
    condition_words,
    duration_words,
    inner,
    number_words,
    pick,
    told_names,
)
from ioc.api.measure_words import OF_KINDS, measure_remarks, measures_in, told_measure
from ioc.domain.feed import FeedSpec, Label
from ioc.domain.severity import Severity
from ioc.rules.kinds import ALERTS, Kind
from ioc.rules.load_kinds import kind_of
from ioc.rules.load_parts import DAYS, RuleError

JSONObject = dict[str, Any]
DAY_WORDS = {
    "mon": ("thứ Hai", "Monday"), "tue": ("thứ Ba", "Tuesday"), "wed": ("thứ Tư", "Wednesday"),
    "thu": ("thứ Năm", "Thursday"), "fri": ("thứ Sáu", "Friday"), "sat": ("thứ Bảy", "Saturday"),
    "sun": ("Chủ nhật", "Sunday"),
}  # fmt: skip
HOLIDAYS = {"exclude": ("trừ ngày lễ", "not on holidays"), "only": ("vào ngày lễ", "on holidays")}
DEFAULT_WHEN = {Kind.SEQUENCE: "complete", Kind.ZONE: "inside"}


class Words:
    """One rule, ready to be told; ``feeds`` are the pack's, ``codes`` what its codes stand for."""

    def __init__(self, body: Mapping[str, Any], feeds: Mapping[str, FeedSpec], codes: Codes | None = None) -> None:
        self.body = body
        self.feeds = feeds
        self.codes = codes or {}
        self.names_of_feeds = feeds_of(body)
        self.specs = [feeds[name] for name in self.names_of_feeds if name in feeds]
        self.kind = kind_in(body)
        self.events = told_names(self.specs)
        """What `where` may name."""
        if ALERTS in self.names_of_feeds:
            self.events |= {name: Told(label) for name, label in OF_ALERTS.items()}
        self.names = {**self.events, **OF_KINDS.get(self.kind, {}), **self.measures()}
        """What levels and the clear band may name."""

    def measures(self) -> dict[str, Told]:
        """Return the rule's own measures."""
        if self.kind not in (Kind.WINDOW, Kind.CHANGE):
            return {}
        over = self.body.get("over")
        return {
            name: told_measure(measure, over=over, names=self.events, specs=self.specs)
            for name, measure in measures_in(self.body).items()
        }

    def said(self, when: object, *, vi: bool, level: Mapping[str, Any] | None = None) -> str:
        """Return a condition of a level or of the clear band."""
        limit = limit_words((level or {}).get("limit") or self.body.get("limit"), vi=vi)
        return condition_words(str(when), self.names, vi=vi, limit=limit, codes=self.codes)

    def event_said(self, where: object, *, vi: bool, specs: list[FeedSpec] | None = None) -> str:
        """Return a condition on events."""
        names = self.events if specs is None else told_names(specs)
        return condition_words(str(where), names, vi=vi, codes=self.codes)


def feeds_of(body: Mapping[str, Any]) -> list[str]:
    """Return the feeds a rule reads; a sequence names them in its steps."""
    named = body.get("feed")
    if named is None:
        steps = body.get("sequence") or ()
        return list(dict.fromkeys(str(step.get("feed")) for step in steps if isinstance(step, Mapping)))
    return [named] if isinstance(named, str) else list(named)


def kind_in(body: Mapping[str, Any]) -> Kind:
    """Return a rule's kind; of a body that nobody accepts, a threshold."""
    try:
        return kind_of(body, feeds_of(body))
    except RuleError:
        return Kind.THRESHOLD


def limit_words(limit: object, *, vi: bool) -> str:
    """Return the one limit with its unit; of several, which take turns by their day, that the one in force is meant."""
    if isinstance(limit, Sequence) and not isinstance(limit, str) and len(limit) == 1:
        limit = limit[0]
    if isinstance(limit, Sequence) and not isinstance(limit, str) and limit:
        return "đang có hiệu lực" if vi else "in force"
    if not isinstance(limit, Mapping):
        return ""
    return f"{number_words(str(limit['value']), vi=vi)} {limit['unit']}".rstrip()


def sentences(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec], codes: Codes | None = None) -> list[JSONObject]:
    """Return what a rule says, each with `part`, `severity` (of a level, else null) and the texts `vi` and `en`.

    Parts: what, level, clear, where, measure, by, hold, refire, active, mode.
    """
    words = Words(body, feeds, codes)
    found: list[JSONObject] = []

    def add(part: str, vi: str, en: str, severity: str | None = None) -> None:
        if vi:
            found.append({"part": part, "severity": severity, "vi": begin(vi), "en": begin(en)})

    add("what", what(words, vi=True), what(words, vi=False))
    for level in body.get("levels") or ():
        add("level", level_words(words, level, vi=True), level_words(words, level, vi=False), str(level["severity"]))
    add("clear", clear_words(words, vi=True), clear_words(words, vi=False))
    if body.get("where"):
        where = {vi: inner(words.event_said(body["where"], vi=vi)) for vi in (True, False)}
        add("where", f"chỉ tính khi {where[True]}", f"only where {where[False]}")
    for vi, en in zip(*(measure_remarks(body, words.events, vi=vi, codes=words.codes) for vi in (True, False)),
                      strict=True):  # fmt: skip
        add("measure", vi, en)
    add("by", by_words(words, vi=True), by_words(words, vi=False))
    for part in ("hold", "refire"):
        add(part, time_words(part, body.get(part), vi=True), time_words(part, body.get(part), vi=False))
    add("active", active_words(body.get("active"), vi=True), active_words(body.get("active"), vi=False))
    if body.get("mode") == "monitor":
        add("mode", "theo dõi, không báo: chỉ đếm, không tạo cảnh báo", "monitored: it counts and raises no alert")
    return found


def describe(body: Mapping[str, Any], feeds: Mapping[str, FeedSpec], codes: Codes | None = None) -> JSONObject:
    """Return a rule in plain words, in one text: one sentence per level, then when it ends, then the rest."""
    return joined(sentences(body, feeds, codes))


def joined(told: Sequence[JSONObject]) -> JSONObject:
    """Return sentences as one text in both languages, each level with the word of its severity."""
    return {
        language: ". ".join(
            f"{severity_words(item['severity'], language)}: {item[language]}" if item["severity"] else item[language]
            for item in told
        )
        for language in ("vi", "en")
    }


def own_names(words: Words) -> JSONObject:
    """Return how the rule's own measures, and what its kind finds out, are named: label and unit by name."""
    own = {**OF_KINDS.get(words.kind, {}), **words.measures()}
    return {
        name: {"label": {"vi": told.label.vi, "en": told.label.en}, "unit": told.unit} for name, told in own.items()
    }


def severity_words(name: str, language: str) -> str:
    """Return the decided word for a level."""
    return Severity(name).label_vi if language == "vi" else name.capitalize()


def lasting(value: object, *, vi: bool) -> str:
    """Return `, kéo dài 3 giờ` or ` for 3 h`; empty without a duration."""
    told = duration_words(value, vi=vi)
    return "" if not told else f", kéo dài {told}" if vi else f" for {told}"


def what(words: Words, *, vi: bool) -> str:
    """Return what a kind looks at, where its levels do not say it."""
    body = words.body
    if words.kind is Kind.SEQUENCE:
        steps = [step_words(words, step, vi=vi) for step in body.get("sequence") or ()]
        within = duration_words(body.get("within"), vi=vi)
        lead = f"lần lượt trong vòng {within}: " if vi else f"one after another within {within}: "
        return lead + ("; rồi " if vi else "; then ").join(steps)
    if words.kind is Kind.NEAR:
        near = body["near"]
        feed = ", ".join(inner(pick(spec.label, vi=vi)) for spec in words.specs)
        over, radius = duration_words(near["over"], vi=vi), metres(near["radius"], vi=vi)
        things = (f"các tin {feed}" if vi else f"readings ({feed})") if feed else ("các cảnh báo" if vi else "alerts")
        return (f"{things} cách nhau không quá {radius} trong vòng {over} là một cụm" if vi
                else f"{things} within {radius} and {over} of each other form a cluster")  # fmt: skip
    if words.kind is Kind.ZONE:
        return zone_words(body, vi=vi)
    if words.kind is Kind.CORRELATE:
        return ("các điều kiện của luật khác đang cùng báo, kể cả luật chỉ theo dõi" if vi
                else "conditions of other rules that fire together, monitored ones too")  # fmt: skip
    return ""


def step_words(words: Words, step: Mapping[str, Any], *, vi: bool) -> str:
    """Return one step of a sequence."""
    spec = words.feeds.get(str(step.get("feed")))
    feed = pick(spec.label, vi=vi) if spec else str(step.get("feed"))
    if not step.get("where"):
        return f"có tin {inner(feed)}" if vi else f"any {inner(feed)} reading"
    return f"{inner(feed)}: {inner(words.event_said(step['where'], vi=vi, specs=[spec] if spec else []))}"


def metres(value: object, *, vi: bool) -> str:
    """Return a length as written, with a space before its unit."""
    if not isinstance(value, str):
        return f"{number_words(str(value), vi=vi)} m"
    unit = "km" if value.endswith("km") else "m"
    return f"{number_words(value.removesuffix(unit), vi=vi)} {unit}"


def degrees(value: float, *, vi: bool) -> str:
    """Return a coordinate to about a metre."""
    text = f"{value:.5f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if vi else text


def zone_words(body: Mapping[str, Any], *, vi: bool) -> str:
    """Return the place of an `enter` or `leave`."""
    leave = "leave" in body
    place = body["leave" if leave else "enter"]
    if "circle" in place:
        lon, lat = (degrees(part, vi=vi) for part in place["circle"])
        radius = metres(place["radius"], vi=vi)
        where = f"bán kính {radius} quanh {lat}; {lon}" if vi else f"{radius} around {lat}; {lon}"
    else:
        points = len(place.get("polygon") or ())
        where = f"đa giác {points} đỉnh" if vi else f"a polygon of {points} corners"
    margin = metres(place["margin"], vi=vi) if place.get("margin") else ""
    slack = (f", chỉ tính là ra ngoài khi cách biên trên {margin}" if vi
             else f", outside only beyond {margin} from its edge") if margin else ""  # fmt: skip
    verb = ("ra khỏi" if leave else "đi vào") if vi else ("leaves" if leave else "enters")
    return f"vị trí {verb} vùng {where}{slack}" if vi else f"the position {verb} {where}{slack}"


def level_words(words: Words, level: Mapping[str, Any], *, vi: bool) -> str:
    """Return when a level holds."""
    body, kind = words.body, words.kind
    when = level.get("when")
    if kind is Kind.ABSENCE:
        more = duration_words(level.get("for"), vi=vi)
        return silence_words(words, vi=vi) + ((f", rồi thêm {more}" if vi else f", and {more} more") if more else "")
    if when is None and kind is Kind.NEAR:
        when = f"n >= {body['near']['min']}"
    if when is None:
        when = "!inside" if "leave" in body else DEFAULT_WHEN.get(kind, "true")
    return words.said(when, vi=vi, level=level) + lasting(level.get("for"), vi=vi)


def silence_words(words: Words, *, vi: bool) -> str:
    """Return of what and for how long nothing came."""
    absent = words.body["absent"]
    absent = absent if isinstance(absent, Mapping) else {"for": absent}
    told = duration_words(absent.get("for"), vi=vi)
    field = words.events.get(str(absent.get("field"))) if absent.get("field") else None
    things = [field.label] if field else [spec.label for spec in words.specs]
    of = ", ".join(inner(pick(label, vi=vi)) for label in things)
    return f"không nhận được tin {of} nào quá {told}" if vi else f"no {of} reading for {told}"


def clear_words(words: Words, *, vi: bool) -> str:
    """Return when the alert is over."""
    clear = words.body.get("clear") or {}
    if clear.get("when"):
        told = inner(words.said(clear["when"], vi=vi)) + lasting(clear.get("for"), vi=vi)
        return f"hết khi {told}" if vi else f"ends when {told}"
    told = duration_words(clear.get("for"), vi=vi)
    if not told:
        return ""
    return f"hết khi không còn mức nào đúng, kéo dài {told}" if vi else f"ends when no level has held for {told}"


def by_words(words: Words, *, vi: bool) -> str:
    """Return what has an alert of its own; that of each device goes without saying."""
    named = words.body.get("by")
    parts = [named] if isinstance(named, str) else list(named or ())
    if parts in ([], ["device"]):
        return ""
    told = [inner(pick((words.events.get(name) or Told(OF_PLACE.get(name) or Label(name, name))).label, vi=vi))
            for name in parts]  # fmt: skip
    each = (" và " if vi else " and ").join(told)
    if words.kind is Kind.NEAR:
        return f"mỗi {each} có cụm riêng" if vi else f"clusters apart for each {each}"
    return f"mỗi {each} có cảnh báo riêng" if vi else f"an alert for each {each}"


def time_words(part: str, value: object, *, vi: bool) -> str:
    """Return how long a reading counts (`hold`), or in what time the same alert opens again (`refire`)."""
    told = duration_words(value, vi=vi)
    if not told:
        return ""
    if part == "hold":
        return (f"mỗi tin có hiệu lực {told}, không có tin mới thì cảnh báo tự hết" if vi
                else f"a reading counts for {told}; without a newer one the alert ends by itself")  # fmt: skip
    return (f"tái diễn trong vòng {told} thì mở lại chính cảnh báo cũ" if vi
            else f"if it returns within {told} the same alert opens again")  # fmt: skip


def active_words(value: object, *, vi: bool) -> str:
    """Return when a rule counts."""
    if not isinstance(value, Mapping):
        return ""
    parts: list[str] = []
    if value.get("hours"):
        hours = [value["hours"]] if isinstance(value["hours"], str) else value["hours"]
        told = ", ".join(str(period).replace(" ", "").replace("-", "–") for period in hours)
        parts.append(f"từ {told}" if vi else f"from {told}")
    if value.get("days"):
        days = [day for day in DAYS if day in value["days"]]
        parts.append(", ".join(DAY_WORDS[day][not vi] for day in days))
    if value.get("holidays") in HOLIDAYS:
        parts.append(HOLIDAYS[value["holidays"]][not vi])
    return f"{'chỉ áp dụng' if vi else 'counts only'} {', '.join(parts)}" if parts else ""
