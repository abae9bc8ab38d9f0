"""What a check of a pack found: where it is, what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field

PROBLEMS_MAX = 200
"""A pack this broken is reported up to here; the last line says how many more there are."""


@dataclass(frozen=True, slots=True, order=True)
class PackProblem:
    """One thing wrong in a pack. ``file`` is relative to the pack's folder; lines and columns count from 1."""

    file: str
    line: int
    message: str
    hint: str = ""
    column: int = 0
    """0: it speaks of the line as a whole."""

    def __str__(self) -> str:
        """Return `file:line: message (hint)`, the form that editors can jump to."""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}: {self.message}{tail}"


@dataclass(slots=True)
class Findings:
    """The problems of one check, bounded; what does not fit is counted."""

    problems: list[PackProblem] = field(default_factory=list)
    dropped: int = 0

    def add(self, *, file: str, line: int, message: str, hint: str = "", column: int = 0) -> None:
        """Note one problem, once."""
        problem = PackProblem(file, line, message, hint, column)
        if problem in self.problems:
            return
        if len(self.problems) >= PROBLEMS_MAX:
            self.dropped += 1
            return
        self.problems.append(problem)

    def sorted_problems(self) -> list[PackProblem]:
        """Return the problems by file and line, with a last one that counts those left out."""
        listed = sorted(self.problems)
        if self.dropped:
            listed.append(PackProblem("pack.yaml", 1, f"{self.dropped} more problems are not listed"))
        return listed
