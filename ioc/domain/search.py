"""Search as people mean it: by words, without case, diacritics or tone placement (Hoà = Hòa = Hoa, Đ = D).

A word of the question answers where a word of the text begins with it. A number is found without its leading zeros.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

WORDS_MAX = 12
"""More words than anybody types; the rest of a question is left out."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a search asks for: words, and places that have some of them in a name, each with the words that are left."""

    words: tuple[str, ...]
    places: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = ()


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text without marks, in lower case: `("hoa", "binh", "1")` of `Hoà Bình-1`."""
    bare = "".join(part for part in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(part))
    return tuple(re.findall(r"[a-z0-9]+", bare.replace("đ", "d")))
