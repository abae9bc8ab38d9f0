"""Which phrase of a sentence has something to say: what has not is left out, what would be false is said as it is.

A rule's `summary` is written for the moment at which a value passes its limit. Where a value lies on the other side (a
level that only its recovery time keeps alive), where it is hardly beyond (`gấp 1 lần`), where nothing has lasted yet
(`đã 0 giây`) or where a place has no name (`tại –`), the words around it go with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ioc.rules.language.rule import Worse

PLACES = "device|area|zone|place|owner|parent"
RATIO_TOLD_MIN = 1.5
"""A ratio below it says no more than that the limit is passed."""
RATIO = {
    True: re.compile(r"gấp \{ratio\} lần (?:ngưỡng )?"),
    False: re.compile(r"\{ratio\} (?:times|x) (?:the limit )?"),
}
LIMIT = {True: "ngưỡng ", False: "limit "}
DURATION = {
    True: re.compile(r",? (?:đã|trong|suốt) \{duration\}"),
    False: re.compile(r",? for \{duration\}"),
}
PLACE = {
    True: re.compile(rf" (?:tại|ở|của|trong) \{{({PLACES})\}}"),
    False: re.compile(rf" (?:at|in|of) \{{({PLACES})\}}"),
}
SUBJECT = re.compile(rf"^\{{({PLACES})\}}:? ")
INSIDE: Mapping[Worse, Mapping[bool, tuple[tuple[re.Pattern[str], str], ...]]] = {
    Worse.UP: {
        True: (
            (re.compile(r"(?:,? trên|, vượt) \{limit\}"), ", đã dưới {limit}"),
            (re.compile(r"(?:dải từ|ngưỡng|giới hạn|giới hạn [^{;,]{1,20}) \{limit\}"), "đã dưới ngưỡng {limit}"),
        ),
        False: (
            (re.compile(r",? (?:above|over) \{limit\}"), ", now below {limit}"),
            (re.compile(r"(?:band from|limit|[^{;, ]{1,12} limit) \{limit\}"), "now below the limit of {limit}"),
        ),
    },
    Worse.DOWN: {
        True: (
            (re.compile(r",? (?:dưới|thấp hơn) \{limit\}"), ", đã trên {limit}"),
            (re.compile(r"(?:ngưỡng|giới hạn) \{limit\}"), "đã trên ngưỡng {limit}"),
        ),
        False: (
            (re.compile(r",? below \{limit\}"), ", now above {limit}"),
            (re.compile(r"limit \{limit\}"), "now above the limit of {limit}"),
        ),
    },
}
"""What a sentence says of the limit when the value is no longer beyond it."""


def telling(
    template: str,
    *,
    vi: bool,
    ratio: float | None,
    held_seconds: float,
    named: Mapping[str, bool],
    inside: Worse | None,
) -> str:
    """Return ``template`` without what has nothing to say.

    ``named``: which places have a name; ``inside``: which way the measure gets worse, where its value is no longer
    beyond the limit.
    """
    text = template
    if ratio is not None and ratio < RATIO_TOLD_MIN:
        text = RATIO[vi].sub(LIMIT[vi], text)
    if held_seconds < 1:
        text = DURATION[vi].sub("", text)
    text = PLACE[vi].sub(lambda match: match[0] if named[match[1]] else "", text)
    text = SUBJECT.sub(lambda match: match[0] if named[match[1]] else "", text)
    for pattern, words in () if inside is None else INSIDE.get(inside, {}).get(vi, ()):
        text, count = pattern.subn(words, text)
        if count:
            break
    return text if text == template else text[:1].upper() + text[1:]
