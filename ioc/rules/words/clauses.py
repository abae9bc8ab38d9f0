"""A clause in plain words of both languages: labels for names, words for signs, units after numbers.

What has no words here (a function, arithmetic) stays as it is written, so that nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ioc.domain.feed import FeedSpec, FieldSpec, Label
from ioc.domain.severity import Severity
from ioc.rules.language.amounts import decimals, number_text
from ioc.rules.language.clause import CONTEXT
from ioc.rules.language.rule import SECOND_US

TOKEN = re.compile(
    r"""(?<![\w.])(?P<name>[A-Za-z_]\w*)\s*(?P<sign>[<>]=?|==|!=)\s*
          (?P<value>-?\d+(?:\.\d+)?(?![\w.])|"[^"]*"|'[^']*'|true\b|false\b|limit\b)(?!\s*[-+*/%])
      | (?<![\w.])(?P<of>[A-Za-z_]\w*)\.(?P<test>startsWith|endsWith|contains)\(\s*(?P<part>"[^"]*"|'[^']*')\s*\)
      | (?<![\w.])(?P<member>[A-Za-z_]\w*)\s+in\s+\[(?P<list>[^\[\]]*)\]
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<call>\.?\s*[A-Za-z_]\w*(?=\s*\())
      | (?<![\w.])(?P<word>[A-Za-z_]\w*)
      | (?P<not>!(?!=))\s*
      | (?P<joint>&&|\|\||[<>]=?|==|!=|\*)
      | (?<![\w.])(?P<number>\d+(?:\.\d+)?)""",
    re.VERBOSE,
)
LISTED = re.compile(r"""\"[^"]*"|'[^']*'|-?\d+(?:\.\d+)?|true\b|false\b""")
SIGNS = {
    ">": ("trên {}", "above {}"), ">=": ("từ {} trở lên", "at least {}"),
    "<": ("dưới {}", "below {}"), "<=": ("từ {} trở xuống", "at most {}"),
    "==": ("là {}", "is {}"), "!=": ("khác {}", "is not {}"),
}  # fmt: skip
TESTS = {
    "startsWith": ("bắt đầu bằng", "begins with"), "endsWith": ("kết thúc bằng", "ends with"),
    "contains": ("có chứa", "contains"),
}  # fmt: skip
JOINTS = {
    "&&": ("và", "and"), "||": ("hoặc", "or"), ">": (">", ">"), ">=": ("≥", "≥"), "<": ("<", "<"), "<=": ("≤", "≤"),
    "==": ("bằng", "is"), "!=": ("khác", "is not"), "*": ("×", "×"),
}  # fmt: skip
NOT = ("không ", "not ")
KEPT = {"true": ("có", "yes"), "false": ("không", "no"), "in": ("thuộc", "in"), "limit": ("ngưỡng", "the limit")}
UNITS = (
    (86_400 * SECOND_US, "ngày", "days"), (3_600 * SECOND_US, "giờ", "h"), (60 * SECOND_US, "phút", "min"),
    (SECOND_US, "giây", "s"),
)  # fmt: skip
OF_PLACE = {
    "device": Label("thiết bị", "device"), "feed": Label("nguồn dữ liệu", "feed"),
    "area": Label("xã, phường", "commune or ward"), "zone": Label("khu vực", "zone"),
    "lat": Label("vĩ độ", "latitude"), "lon": Label("kinh độ", "longitude"), "place": Label("địa điểm", "place"),
    "owner": Label("đơn vị quản lý", "owner"), "parent": Label("thiết bị cha", "parent device"),
    "critical": Label("thiết bị trọng yếu", "critical device"), "event": Label("tin", "event"),
    "flags": Label("cờ dữ liệu", "flags"), "extra": Label("trường khác", "other fields"),
}  # fmt: skip
"""What a clause or a key may name beside the fields of its feed."""
RANK = "rank"
"""Of rules over alerts: a severity as a number, told by its word."""
OF_ALERTS = {
    "rule": Label("quy tắc", "rule"), "key": Label("khóa", "key"), "domain": Label("lĩnh vực", "domain"),
    "severity": Label("mức độ", "severity"), "rank": Label("mức độ", "severity"),
    "mode": Label("chế độ", "mode"),
}  # fmt: skip
assert OF_PLACE.keys() >= CONTEXT.keys(), "every name of the place has its word"


Codes = Mapping[str, Mapping[str, Label]]
"""What codes stand for, by the name that holds them: zones, domains."""


@dataclass(frozen=True, slots=True)
class DisplayLabel:
    """How a name is told: its label and the unit of its numbers."""

    label: Label
    unit: str = ""


def display_label(field: FieldSpec) -> DisplayLabel:
    """Return how a field of a feed is told."""
    return DisplayLabel(field.label, field.unit)


def display_labels(specs: Sequence[FeedSpec]) -> dict[str, DisplayLabel]:
    """Return how the place and the fields of the feeds are told."""
    found = {name: DisplayLabel(label) for name, label in OF_PLACE.items()}
    for spec in specs:
        found.update({name: display_label(field) for name, field in spec.fields.items()})
    return found


def pick(label: Label, *, vi: bool) -> str:
    """Return a label's text in one language."""
    return label.vi if vi else label.en


def inner(text: str) -> str:
    """Return a label as it stands inside a sentence: `Mực nước` and `Ổ đĩa` begin small; `NO₂`, `pH`, `Wi-Fi` stay."""
    first = text.split(maxsplit=1)[0] if text else ""
    plain = first[1:].islower() or (len(first) == 1 and not first.isascii())
    return text[:1].lower() + text[1:] if plain else text


def begin(text: str) -> str:
    """Return a sentence with its first letter capital, unless a name such as `pH` begins it."""
    return text if text[1:2].isupper() else text[:1].upper() + text[1:]


def number_words(text: str, *, vi: bool) -> str:
    """Return a number as people write it: `8.000` and `80,5`, or `8,000` and `80.5`."""
    value = float(text)
    return number_text(value, digits=max(decimals(value), 0), vi=vi)


def duration_words(value_us: int | None, *, vi: bool) -> str:
    """Return a duration in the largest unit that says it whole, one day as 24 hours; empty for none."""
    if not value_us:
        return ""
    for size_us, word_vi, word_en in UNITS:
        count, rest = divmod(value_us, size_us)
        if not rest and (count > 1 or size_us != UNITS[0][0]):
            return f"{count} {word_vi if vi else word_en}"
    raise ValueError(f"no duration of a rule: {value_us} microseconds")  # they are whole seconds


def quoted(text: str) -> str:
    """Return a text of a clause between the quotation marks of prose."""
    return f"“{text[1:-1]}”"


def clause_words(when: str, names: Mapping[str, DisplayLabel], *, vi: bool, codes: Codes, limit: str = "") -> str:
    """Return a clause as words; ``limit`` is the value in force with its unit, ``codes`` what codes stand for."""
    return TOKEN.sub(ClauseTeller(names, codes, limit, vi).told, when)


@dataclass(frozen=True, slots=True)
class ClauseTeller:
    """Tells the pieces of one clause in one language."""

    names: Mapping[str, DisplayLabel]
    codes: Codes
    limit: str
    vi: bool

    def told(self, match: re.Match[str]) -> str:
        """Return the words of one piece; a call stays as it is written."""
        kind = match.lastgroup
        if kind == "value":
            return self.comparison(match["name"], match["sign"], match["value"])
        if kind in ("list", "part"):
            return self.membership(match) if kind == "list" else self.text_test(match)
        text = match[0].strip()
        if kind == "word":
            return self.kept(text) if text in KEPT else self.label_of(text)
        if kind == "text":
            return quoted(text)
        if kind == "number":
            return number_words(text, vi=self.vi)
        pair = JOINTS.get(text, NOT if kind == "not" else (match[0], match[0]))
        return pair[not self.vi]

    def membership(self, match: re.Match[str]) -> str:
        """Return a name and the values that it is one of."""
        among = ", ".join(self.value_of(one[0], match["member"]) for one in LISTED.finditer(match["list"]))
        return f"{self.label_of(match['member'])} {'là một trong:' if self.vi else 'is one of:'} {among}"

    def text_test(self, match: re.Match[str]) -> str:
        """Return a name and how its text begins, ends or what it contains."""
        return f"{self.label_of(match['of'])} {TESTS[match['test']][not self.vi]} {quoted(match['part'])}"

    def comparison(self, name: str, sign: str, value: str) -> str:
        """Return a name, a sign and what the name is compared with."""
        words = SIGNS[sign][not self.vi]
        if self.vi and sign == "==" and value[-1].isdigit() and name != RANK:
            words = "bằng {}"
        return f"{self.label_of(name)} {words.format(self.value_of(value, name))}"

    def value_of(self, text: str, name: str) -> str:
        """Return what a name is compared with."""
        if text == "limit":
            return self.kept(text)
        if text in KEPT:
            return f"“{self.kept(text)}”"
        if text[0] in "\"'":
            known = self.codes.get(name, {}).get(text[1:-1])
            return pick(known, vi=self.vi) if known else quoted(text)
        if name == RANK and text.isdigit() and int(text) < len(Severity):
            severity = tuple(Severity)[int(text)]
            return f"“{severity.label_vi if self.vi else severity.value}”"
        unit = self.names[name].unit if name in self.names else ""
        return f"{number_words(text, vi=self.vi)} {'giây' if self.vi and unit == 's' else unit}".rstrip()

    def kept(self, word: str) -> str:
        """Return the word for one that clauses keep for themselves, the limit with its value."""
        told = KEPT[word][not self.vi]
        return f"{told} {self.limit}".rstrip() if word == "limit" else told

    def label_of(self, name: str) -> str:
        """Return a name's label; the name itself where it has none."""
        return inner(pick(self.names[name].label, vi=self.vi)) if name in self.names else name
