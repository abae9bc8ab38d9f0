"""The JSON of an incident: what the alerts that a reader may see make of it."""

from collections.abc import Mapping
from typing import Any

from ioc.api.serializers.nouns import JSONObject, Row, history, moment
from ioc.domain.incidents.grouping import Grouping


def incident(row: Row, worst: Mapping[str, Any], grouping: Grouping) -> JSONObject:
    """Return an Incident; ``worst`` is its worst alert as the reader may see it."""
    goes_on = row["open_count"] > 0
    devices = row["open_devices"] if goes_on else row["devices"]
    alerts = row["open_count"] if goes_on else row["alert_count"]
    return {
        "id": row["id"],
        "number": row["number"],
        "family": row["family"],
        "title": row["title"],
        "headline": grouping.headline(row["family"], worst["summary"], devices=devices, alerts=alerts),
        "severity": worst["severity"] if goes_on else worst["peak_severity"],
        "state": "open" if goes_on else "closed",
        "areas": row["areas"],
        "zones": row["zones"],
        "opened_at": moment(row["opened_at"]),
        "changed_at": moment(row["changed_at"]),
        "worst": row["worst"],
        "alerts": row["alerts"],
        "alert_count": row["alert_count"],
        "open_count": row["open_count"],
        "device_count": devices,
        "taken": row["taken"],
        "version": row["version"],
    }


def incident_history(row: Row) -> JSONObject:
    """Return one move of one of its alerts."""
    return {"alert": row["alert"], "alert_number": row["alert_number"], "title": row["title"], **history(row)}
