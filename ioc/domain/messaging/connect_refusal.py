"""Who knocked at the MQTT door and was not let in: by user name, address and reason, how often and between when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ioc.domain.plain_name import plain_name

USERNAME_CHARS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRefusal:
    """Refused CONNECTs of one user name from one address for one reason."""

    username: str
    """As the client wrote it, what cannot be seen taken out, cut to 64 characters; empty: none, or one of too many."""
    address: str
    reason: str
    """The door's word, which the log and the metrics have too."""
    detail: str | None = None
    """What it was told in words, if more than the reason."""
    count: int = 1
    first_at: datetime
    last_at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what makes two of them one."""
        return self.username, self.address, self.reason


def shown_username(username: str | None) -> str:
    """Return a user name that a stranger chose as people may read it."""
    # Cut first: a stranger may write 64 kB, each time that it knocks.
    return plain_name((username or "")[: 2 * USERNAME_CHARS_MAX])[:USERNAME_CHARS_MAX]
