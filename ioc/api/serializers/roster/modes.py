"""Duty modes as JSON."""

from __future__ import annotations

from ioc.api.serializers.nouns import JSONObject, Row, moment


def duty_mode(row: Row) -> JSONObject:
    """Return a declaration."""
    return {
        "id": row["id"],
        "mode": row["mode"],
        "level": row["level"],
        "decision": row["decision"],
        "starts_at": moment(row["starts_at"]),
        "ends_at": moment(row["ends_at"]),
        "why": row["why"],
        "declared_at": moment(row["declared_at"]),
        "declared_by": row["declared_by"],
        "ended_by": row["ended_by"],
        "ended_why": row["ended_why"],
        "version": row["version"],
    }
