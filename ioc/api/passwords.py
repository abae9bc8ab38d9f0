"""Passwords: argon2id in threads, two at once, so that a login flood neither stops the loop nor eats the memory."""

import asyncio
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ioc.domain.account import BASE62
from ioc.errors import InvalidInputError, TooManyRequestsError

HASHES_AT_ONCE = 2
WAITING_MAX = 20
LENGTH_MIN = 12
LENGTH_MAX = 256
ONE_TIME_LETTERS = 20
COMMON = frozenset(
    {
        "123456789012", "1234567890123", "password1234", "passwordpassword", "qwertyuiop12", "qwertyuiop123",
        "administrator", "administrator1", "adminadmin12", "iloveyou1234", "letmeinletmein", "hoabinhhoabinh",
        "hoabinh123456", "luongson123456", "trungtamdieuhanh", "matkhau123456", "matkhaumatkhau", "vietnam123456",
    }
)  # fmt: skip


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
    """Accept a new password: twelve letters or more, any characters, not a common one, without the user's name.

    Raises:
        InvalidInputError: which part it breaks.
    """
    text = normal(password)
    if not LENGTH_MIN <= len(text) <= LENGTH_MAX:
        raise InvalidInputError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters", field="new")
    low = text.lower()
    if low in COMMON or len(set(low)) < 4 or username.lower() in low:  # noqa: PLR2004
        raise InvalidInputError("this password is too easy to guess", field="new")


def one_time_password() -> str:
    """Return a password of about 119 bits to be told once and changed."""
    return "".join(secrets.choice(BASE62) for _ in range(ONE_TIME_LETTERS))
