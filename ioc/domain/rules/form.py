"""Whose form of a rule is in force, and what is done to rules."""

from __future__ import annotations

from enum import StrEnum


class RuleOrigin(StrEnum):
    """Whose form of a rule is in force."""

    PACK = "pack"
    """The pack's."""
    OVERLAY = "overlay"
    """The site's own form of a rule of the pack."""
    SITE = "site"
    """The site's own rule, which the pack does not have."""


class RuleAction(StrEnum):
    """What is done to a rule, as its history has it."""

    CREATE = "create"
    """A rule of the site's own is put in force."""
    EDIT = "edit"
    """It gets another text."""
    ENABLE = "enable"
    """It counts again."""
    DISABLE = "disable"
    """It no longer counts; its open alerts end."""
    MONITOR = "monitor"
    """It evaluates and raises nothing."""
    ALERT = "alert"
    """It raises alerts again."""
    RESET = "reset"
    """Back to the pack's form."""
    DELETE = "delete"
    """A rule of the site's own is taken away."""
    PACK = "pack"
    """The pack did something; nobody here."""
