"""Silences as JSON."""

from datetime import date

from ioc.api.serializers import contacts as contacts_json
from ioc.api.serializers.nouns import JSONObject, Row, label, moment
from ioc.domain.scope import Scope
from ioc.domain.severity import Severity
from ioc.domain.silences.silence import SilenceState
from ioc.store.registry.areas import AreaBook
from ioc.store.silences.reader import Preview
from ioc.store.silences.rows import silence_of


def silence_json(row: Row, scope: Scope) -> JSONObject:
    """Return one silence; of its devices those that the reader may know of."""
    silence = silence_of(row)
    devices = list(row["devices"]) if scope.areas is None else list(row["devices_inside"])
    return {
        "id": row["id"],
        "match": {
            "rule": list(row["rules"]),
            "domain": list(row["domains"]),
            "area": list(row["areas"]),
            "device": devices,
            "severity_max": row["severity_max"],
        },
        "devices_beyond": len(row["devices"]) - len(devices),
        "from": moment(row["starts_at"]),
        "to": moment(row["ends_at"]),
        "active": contacts_json.hours(row["active"]),
        "reason": row["reason"],
        "owner": row["owner"],
        "state": str(silence.state),
        "next_at": moment(row["due_at"]) if silence.state is SilenceState.PLANNED else None,
        "running_until": moment(row["running_until"]),
        "hides": row["hides"],
        "created_at": moment(row["created_at"]),
        "changed_at": moment(row["changed_at"]),
        "changed_by": row["changed_by"],
        "version": row["version"],
    }


def preview_json(preview: Preview, *, book: AreaBook, today: date) -> JSONObject:
    """Return what a silence would hide."""
    shown = [
        {
            "id": row["id"], "number": row["number"], "severity": row["severity"], "title": row["title"],
            "area_name": label(book.name_of(row["area"], today)), "opened_at": moment(row["opened_at"]),
        }
        for row in preview.shown
    ]  # fmt: skip
    return {
        "open": preview.open,
        "items": shown,
        "graver": preview.graver,
        "opened_7d": {str(severity): preview.opened.get(severity, 0) for severity in reversed(Severity)},
    }
