"""Names as people read them: what cannot be seen, or turns the reading direction, is taken out."""

from __future__ import annotations

import unicodedata

from ioc.errors import InvalidInputError

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories of what has no shape of its own: controls, bidi marks, zero widths, tags, surrogates."""
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f")
"""Letters by their category that show as nothing."""


def plain_name(text: str) -> str:
    """Return a name in NFC without anything unseen, each run of spaces as one.

    Two names that look alike are then alike, and none turns its neighbours around (U+202E) or hides what it says.
    """
    spaced = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text))
    seen = "".join(one for one in spaced if unicodedata.category(one) not in UNSEEN and one not in BLANK)
    return " ".join(seen.split())


def required_name(text: str, *, field: str = "name") -> str:
    """Return a plain name.

    Raises:
        InvalidInputError: nothing of it can be seen.
    """
    name = plain_name(text)
    if not name:
        raise InvalidInputError("a name has letters that can be seen", field=field)
    return name
