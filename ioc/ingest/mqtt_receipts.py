"""What the log's receipts mean on the wire: acknowledgements with their reason, and receipts for a device that asks.

Pure. An array is acknowledged as good when any of its elements stands; the receipts tell of each element.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ioc.domain.event import Outcome, Receipt
from ioc.ingest.decode import UnreadableError, items
from ioc.ingest.mqtt.encode import encode
from ioc.ingest.mqtt.packets import LEVEL_311, Properties, Puback, Pubrec
from ioc.ingest.mqtt.reasons import ReasonCode

AT_LEAST_ONCE = 1
WORDS_LETTERS_MAX = 200
PUBACK_STORED = b"\x40\x02"
PUBREC_STORED = b"\x50\x02"

NOT_AUTHORIZED = frozenset({"forbidden_topic", "unknown_device", "retired_device", "wrong_feed"})
OUR_OWN = frozenset({"too_large", "conflict", "unstorable", "too_many_events"})


def reason_code(receipts: Sequence[Receipt]) -> ReasonCode:
    """Return the MQTT 5 code for a message whose events have these receipts."""
    if any(receipt.outcome is not Outcome.REFUSED for receipt in receipts):
        return ReasonCode.SUCCESS
    reason = receipts[0].reason or ""
    if reason in NOT_AUTHORIZED:
        return ReasonCode.NOT_AUTHORIZED
    if reason == "unknown_feed":
        return ReasonCode.TOPIC_NAME_INVALID
    return ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR if reason in OUR_OWN else ReasonCode.PAYLOAD_FORMAT_INVALID


def good(packet_id: int, qos: int) -> bytes:
    """Return the PUBACK or PUBREC of a message that stands: four bytes in both versions."""
    return (PUBACK_STORED if qos == AT_LEAST_ONCE else PUBREC_STORED) + packet_id.to_bytes(2, "big")


def acknowledgement(
    packet_id: int, qos: int, receipts: Sequence[Receipt], *, level: int, with_reason: bool, bytes_max: int
) -> bytes:
    """Return the PUBACK or PUBREC of a committed message; the good one is four bytes in both versions.

    ``with_reason``: the client wants reason strings; ``bytes_max`` is the longest packet that it takes.
    """
    if level == LEVEL_311 or receipts[0].outcome is not Outcome.REFUSED:
        return good(packet_id, qos)
    code = reason_code(receipts)
    kind = Puback if qos == AT_LEAST_ONCE else Pubrec
    if with_reason and code.is_failure:
        words = Properties(reason_string=plain(f"{receipts[0].reason}: {receipts[0].detail or ''}"))
        written = encode(kind(packet_id, code, words), level)
        if len(written) <= bytes_max:
            return written
    return encode(kind(packet_id, code), level)


def plain(text: str) -> str:
    """Return ``text`` so that it fits an MQTT string: short, without NUL or half surrogates."""
    return text[:WORDS_LETTERS_MAX].replace("\0", "").encode(errors="replace").decode()


def receipt_bodies(body: bytes, receipts: Sequence[Receipt], *, device: str | None = None) -> list[bytes]:
    """Return one receipt as JSON per event of a committed message.

    ``device`` is named when a gateway published for another. ``id`` is the sender's own, null where it gave none.
    """
    bodies = []
    for event_id, receipt in zip(_ids(body, len(receipts)), receipts, strict=True):
        told = {"id": event_id, "status": str(receipt.outcome), "reason": receipt.reason}
        if device is not None:
            told["device"] = device
        bodies.append(orjson.dumps(told))
    return bodies


def _ids(body: bytes, count: int) -> list[str | None]:
    """Return the sender's id of each event of ``body``, as the log was given it."""
    try:
        found = items(body, newline_delimited=False, events_max=count)
    except UnreadableError:
        return [None] * count
    ids = [_id(item.get("id")) if isinstance(item, dict) else None for item in found]
    return ids if len(ids) == count else [None] * count


def _id(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value[:WORDS_LETTERS_MAX] if isinstance(value, str) else None
