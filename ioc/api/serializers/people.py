"""Accounts, keys and the audit trail as JSON."""

from ioc.api.serializers.nouns import JSONObject, Row, moment


def key(row: Row) -> JSONObject:
    """Return a Key, without its secret: nobody has it any more."""
    return {
        "id": row["id"],
        "kind": row["kind"],
        "name": row["name"],
        "device": row["device"],
        "feed": row["feed"],
        "area": row["area"],
        "created_at": moment(row["created_at"]),
        "created_by": row["created_by"],
        "expires_at": moment(row["expires_at"]),
        "revoked_at": moment(row["revoked_at"]),
        "last_used_at": moment(row["last_used_at"]),
    }


def user(row: Row) -> JSONObject:
    """Return a User, without anything of the password."""
    return {
        "username": row["username"],
        "name": row["name"],
        "role": row["role"],
        "area": row["area"],
        "must_change": row["must_change"],
        "change_required": row["temporary"],
        "disabled": row["disabled"],
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
        "version": row["version"],
    }


def audit(row: Row) -> JSONObject:
    """Return one line of the audit trail."""
    return {
        "id": row["id"],
        "log_time": moment(row["log_time"]),
        "actor": row["actor"],
        "action": row["action"],
        "object": row["object"],
        "address": row["address"],
        "detail": row["detail"],
        "hash": bytes(row["hash"]).hex(),
    }
