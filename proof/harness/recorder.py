"""The outside witness: one JSON line for each operation's `invoke`, `ok`, `fail` or `info`, written as it happens.

It lives in the proof's own process and file, outside the system under test. A time-out or a cut is `info`: the
outcome is unknown, so such an event may or may not be stored. Each line is handed to the kernel at once, which a
kill of any process survives; nothing here cuts the power.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

Kind = Literal["invoke", "ok", "fail", "info"]
Identity = tuple[str, str]
"""(device, event id)."""


@dataclass(slots=True)
class OperationHistory:
    """What the witness saw: each event sent with its values, each acknowledged, and when acknowledgements came."""

    sent: dict[Identity, Mapping[str, Any]] = field(default_factory=dict)
    acknowledged: set[Identity] = field(default_factory=set)
    refused: set[Identity] = field(default_factory=set)
    unknown: set[Identity] = field(default_factory=set)
    acknowledged_at: list[float] = field(default_factory=list)
    """Seconds on the monotonic clock, in order."""

    @property
    def longest_silence_seconds(self) -> float:
        """Return the longest time between two acknowledgements."""
        return max((after - before for before, after in pairwise(self.acknowledged_at)), default=0.0)


class Recorder:
    """Writes the history of one run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a", buffering=1, encoding="utf-8")

    def note(self, kind: Kind, device: str, identifier: str, **facts: object) -> None:
        """Write one line, at the present moment of the monotonic clock."""
        line = {"at": round(time.monotonic(), 6), "kind": kind, "device": device, "id": identifier, **facts}
        self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def history(self) -> OperationHistory:
        """Read the file back."""
        found = OperationHistory()
        for text in self._path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            identity = (line["device"], line["id"])
            if line["kind"] == "invoke":
                found.sent[identity] = line["values"]
            elif line["kind"] == "ok":
                found.acknowledged.add(identity)
                found.acknowledged_at.append(line["at"])
            elif line["kind"] == "fail":
                found.refused.add(identity)
            else:
                found.unknown.add(identity)
        return found
