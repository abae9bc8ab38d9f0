"""Passwords: argon2id in threads, two at once, so that a login flood neither stops the loop nor eats the memory."""

import asyncio
import re
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ioc.api.identity.password_strength import GUESSES_LOG10_MIN, guesses_log10, plain
from ioc.domain.people.account import BASE62
from ioc.errors import InvalidInputError, TooManyRequestsError

HASHES_AT_ONCE = 2
WAITING_MAX = 20
LENGTH_MIN = 12
LENGTH_MAX = 256
ONE_TIME_LETTERS = 20
DRAWS_MAX = 1_000


class Passwords:
    """Hashes and checks. One object per process; a name that nobody has costs the same time as one that exists."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(HASHES_AT_ONCE)
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """Return the argon2id hash."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, normal(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether a password fits; ``stored`` null (no such account) verifies against a decoy and says no.

        Raises:
            TooManyRequestsError: twenty others are waiting already.
        """
        if self._waiting >= WAITING_MAX:
            raise TooManyRequestsError("too many people sign in at once", retry_after_seconds=2)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(self._verify, stored, normal(password))
        finally:
            self._waiting -= 1

    def _verify(self, stored: str | None, password: str) -> bool:
        if self._decoy is None:
            self._decoy = self._hasher.hash(secrets.token_hex(16))
        try:
            fits = self._hasher.verify(stored or self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return fits and stored is not None


def normal(password: str) -> str:
    """Return the password as it is hashed: NFC, since keyboards send the same Vietnamese letters in two forms."""
    return unicodedata.normalize("NFC", password)


def check_policy(password: str, *, username: str) -> None:
    """Accept a new password: twelve letters or more, any characters, not easily guessed, without the user's name.

    Raises:
        InvalidInputError: which part it breaks.
    """
    text = normal(password)
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        raise InvalidInputError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters", field="new")
    own = (username, *re.split(r"[._-]", username))
    if plain(username) in plain(text) or guesses_log10(text, own=own) < GUESSES_LOG10_MIN:
        raise InvalidInputError("this password is too easy to guess", field="new")


def one_time_password(*, username: str) -> str:
    """Return a password of about 119 bits to be told once and changed; it is one that the policy takes for this user.

    Chance writes a short user name into one password of some hundreds: such a draw is thrown away.

    Raises:
        InvalidInputError: no draw of a thousand pleased the policy, so the name itself is at fault.
    """
    for _ in range(DRAWS_MAX):
        password = "".join(secrets.choice(BASE62) for _ in range(ONE_TIME_LETTERS))
        try:
            check_policy(password, username=username)
        except InvalidInputError:
            continue
        return password
    raise InvalidInputError("no password suits this user name", field="username")
