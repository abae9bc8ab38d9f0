"""Refused MQTT connections as JSON."""

from ioc.api.serializers.nouns import JSONObject, Row, both, moment


def connect_refusal(row: Row) -> JSONObject:
    """Return one refusal, with the device that has this user name, if there is one."""
    return {
        "username": row["username"],
        "device": row["device"],
        "device_name": both(row, "name"),
        "address": row["address"],
        "reason": row["reason"],
        "detail": row["detail"],
        "count": row["count"],
        "first_at": moment(row["first_at"]),
        "last_at": moment(row["last_at"]),
        "connected_since": moment(row["connected_since"]),
    }
