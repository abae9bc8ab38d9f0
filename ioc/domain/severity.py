"""Severity of an alert, lowest first, with its Vietnamese word."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much an alert matters; compare with ``rank``."""

    INFO = "info"
    """Thông tin: worth knowing, nobody must act."""
    LOW = "low"
    """Lưu ý: keep an eye on it."""
    MEDIUM = "medium"
    """Trung bình: act within the shift."""
    HIGH = "high"
    """Cao: act now."""
    CRITICAL = "critical"
    """Khẩn cấp: lives may hang on it."""

    @property
    def rank(self) -> int:
        """Return 0 for info up to 4 for critical."""
        return RANKS[self]

    @property
    def label_vi(self) -> str:
        """Return the decided Vietnamese word."""
        return LABELS_VI[self]


RANKS = {severity: rank for rank, severity in enumerate(Severity)}
LABELS_VI = {
    Severity.INFO: "Thông tin",
    Severity.LOW: "Lưu ý",
    Severity.MEDIUM: "Trung bình",
    Severity.HIGH: "Cao",
    Severity.CRITICAL: "Khẩn cấp",
}
