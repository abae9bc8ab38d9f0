"""A maintenance window as JSON."""

from ioc.api.serializers.nouns import JSONObject, Row, both, moment
from ioc.domain.maintenance.window import MaintenanceState
from ioc.store.maintenance.rows import window_of


def window_json(row: Row) -> JSONObject:
    """Return one window."""
    window = window_of(row)
    until = row["repeat_until"]
    return {
        "id": row["id"],
        "device": row["device"],
        "device_name": both(row, "name"),
        "with_children": row["with_children"],
        "starts_at": moment(row["starts_at"]),
        "ends_at": moment(row["ends_at"]),
        "repeat": row["repeat"],
        "repeat_until": None if until is None else until.isoformat(),
        "reason": row["reason"],
        "state": str(window.state),
        "next_at": moment(row["due_at"]) if window.state is MaintenanceState.PLANNED else None,
        "running_until": moment(row["running_until"]),
        "created_by": row["created_by"],
        "created_at": moment(row["created_at"]),
        "version": row["version"],
    }
