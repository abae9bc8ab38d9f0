"""How easily a password is guessed: what is left of it when words, rows of keys, dates and repeats are counted as one.

A guesser tries words, their usual disguises (p@ssw0rd), rows of the keyboard, dates and repeats long before letters. So
a password is cut into such pieces in the way that makes it cheapest, and the pieces' guesses are multiplied.
"""

import functools
import math
import re
import unicodedata
from collections.abc import Mapping
from importlib import resources

GUESSES_LOG10_MIN = 10.0
"""Ten thousand million: years at the speed that sign-in allows, days against a stolen slow hash."""
CHARS_MAX = 72
"""What comes after is not looked at: so much that is hard to guess is enough."""
WORD_CHARS_MIN, WORD_CHARS_MAX = 3, 24
CHAR_LOG10 = math.log10(36)
ROW_LOG10 = 2.0
DATE_LOG10 = 3.0
REPEAT_LOG10 = 0.3
DISGUISES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "!@#$%^&*()",
        "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p")  # fmt: skip
ALL_ROWS = ROWS + tuple(row[::-1] for row in ROWS)
SEPARATED_LOG10 = 0.5
SEPARATORS = re.compile(r"[ ._-]")
"""Between syllables of one word: `hoa binh` is as easy as `hoabinh`, but for where the spaces stand."""
DATE = re.compile(r"(?:19|20)\d\d(?:[-/.]?\d\d?){0,2}|\d\d?[-/.]?\d\d?[-/.]?(?:19|20)\d\d")


@functools.cache
def words() -> Mapping[str, float]:
    """Return the words that guessers begin with, each with the power of ten of its place in their list."""
    found: dict[str, float] = {}
    for name in ("own_words.txt", "common_passwords.txt"):
        lines = resources.files("ioc.api.identity").joinpath(name).read_text(encoding="utf-8").splitlines()
        for rank, word in enumerate((line for line in lines if not line.startswith("#")), start=1):
            found.setdefault(plain(word), math.log10(rank + 10))
    return found


def plain(text: str) -> str:
    """Return a text in lower case without diacritics: what a guesser's list has."""
    apart = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def guesses_log10(password: str, *, own: tuple[str, ...] = ()) -> float:
    """Return the power of ten of the guesses that find a password; ``own`` are words of the account's own."""
    text = plain(password)[:CHARS_MAX]
    known = {**words(), **{plain(word): 0.5 for word in own if len(word) >= WORD_CHARS_MIN}}
    joined = SEPARATORS.sub("", text)
    return min(_guesses(text, known), _guesses(joined, known) + SEPARATED_LOG10 * (len(text) - len(joined)))


def _guesses(text: str, known: Mapping[str, float]) -> float:
    """Return the cheapest way to cut a text into pieces."""
    disguised = text.translate(DISGUISES)
    cheapest = [0.0] + [math.inf] * len(text)
    for start in range(len(text)):
        so_far = cheapest[start]
        _take(cheapest, start + 1, so_far + CHAR_LOG10)
        for end in range(start + WORD_CHARS_MIN, min(start + WORD_CHARS_MAX, len(text)) + 1):
            piece, hidden = text[start:end], disguised[start:end]
            if piece in known:
                _take(cheapest, end, so_far + known[piece])
            elif hidden in known:
                _take(cheapest, end, so_far + known[hidden] + REPEAT_LOG10)
            if any(piece in row for row in ALL_ROWS):
                _take(cheapest, end, so_far + ROW_LOG10)
        dated = DATE.match(text, start)
        if dated is not None:
            _take(cheapest, dated.end(), so_far + DATE_LOG10)
        for end, length in _repeats(text, start):
            # A repetition costs only the number of repeats: the text itself was counted where it stood first.
            if start >= length:
                _take(cheapest, end, so_far + REPEAT_LOG10)
    return cheapest[-1]


def _take(cheapest: list[float], end: int, cost: float) -> None:
    cheapest[end] = min(cheapest[end], cost)


def _repeats(text: str, start: int) -> list[tuple[int, int]]:
    """Return the ends of what from ``start`` on says the piece before it again, with the length of that piece."""
    found = []
    for length in range(1, min(start, WORD_CHARS_MAX) + 1):
        piece, end = text[start - length : start], start
        while text.startswith(piece, end):
            end += length
        if end > start:
            found.append((end, length))
    return found
