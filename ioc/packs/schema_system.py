"""The strict frame of `systems.yaml`: the systems that the centre takes in, watches or feeds, and their feeds."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ioc.packs.schema import LabelText, Name, Strict

SYSTEMS_MAX = 400


class Direction(StrEnum):
    """Which way a system and the centre speak."""

    IN = "in"
    """It sends readings."""
    WATCHED = "watched"
    """Whether it runs is itself a reading."""
    OUT = "out"
    """The centre sends through it, and it says what became of that."""


class SystemEntry(Strict):
    """One system. Where no feed stands for it, ``reason`` says why."""

    id: int = Field(ge=1, le=SYSTEMS_MAX)
    name: LabelText
    direction: Annotated[tuple[Annotated[Direction, Field(strict=False)], ...], Field(strict=False, min_length=1)]
    feeds: Annotated[tuple[Name, ...], Field(strict=False, max_length=20)] = ()
    reason: LabelText | None = None

    @model_validator(mode="after")
    def check_reason(self) -> Self:
        """A system is taken in by feeds, or it is said why not."""
        if bool(self.feeds) == (self.reason is not None):
            raise ValueError("a system has feeds, or a reason for none")
        return self


class SystemsEntry(Strict):
    """The file `systems.yaml`: the systems in the order of their numbers, each once."""

    systems: list[SystemEntry] = Field(min_length=1, max_length=SYSTEMS_MAX)

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """Numbers rise by one, so that a forgotten system is seen."""
        for expected, system in enumerate(self.systems, start=1):
            if system.id != expected:
                raise ValueError(f"system {system.id} where {expected} was expected: numbers rise by one from 1")
        return self
