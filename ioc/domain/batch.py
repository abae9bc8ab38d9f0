"""What names one batch over every attempt to append it, also over attempts of different calls."""

from __future__ import annotations


class BatchToken:
    """Whose COMMIT got no answer is found again by it: the next attempt then answers what that one would have.

    Two tokens are never equal. A batch that is cut into halves, to find what PostgreSQL refuses in it, is cut alike at
    each attempt, so each half has a token of its own that stays the same, too.
    """

    def __init__(self) -> None:
        self._halves: tuple[BatchToken, BatchToken] | None = None

    def halves(self) -> tuple[BatchToken, BatchToken]:
        """Return the tokens of the first and the second half of the batch."""
        if self._halves is None:
            self._halves = BatchToken(), BatchToken()
        return self._halves
