"""What the log's receipts mean on the wire: acknowledgements with their reason, and receipts for a device that asks.

Pure. An array is acknowledged as good when any of its elements stands; the receipts tell of each element.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ioc.domain.event import DeadLetter, Flag, Message, Outcome, Receipt
from ioc.ingest.mqtt.codec.encoder import encode
from ioc.ingest.mqtt.codec.packets import LEVEL_311, Properties, Puback, Pubrec
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.pipeline.decoder import DecodeError, items

AT_LEAST_ONCE = 1
WORDS_CHARS_MAX = 200
DETAIL_CHARS_MAX = 500
TOLD_FLAGS = frozenset({
    Flag.CLOCK_FAULT, Flag.BEFORE_REGISTRATION, Flag.SKEWED, Flag.SUSPECT, Flag.UNKNOWN_FIELD, Flag.DROPPED_FIELD,
})  # fmt: skip
"""What a sender may want to mend; that it sent history, or neither id nor time, it knows."""
PUBACK_STORED = b"\x40\x02"
PUBREC_STORED = b"\x50\x02"

NOT_AUTHORIZED = frozenset({"forbidden_topic", "unknown_device", "retired_device", "wrong_device", "wrong_feed"})
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


def plain(text: str, *, chars_max: int = WORDS_CHARS_MAX) -> str:
    """Return ``text`` so that it fits an MQTT string: short, without NUL or half surrogates."""
    return text[:chars_max].replace("\0", "").encode(errors="replace").decode()


def receipt_bodies(
    events: Sequence[Message | DeadLetter], receipts: Sequence[Receipt], *, device: str | None = None
) -> list[bytes]:
    """Return one receipt as JSON for each event of a committed message.

    ``device`` is named when a gateway published for another. ``id`` is the sender's own, null where it gave none.
    A duplicate names the event that it repeats; what was refused, or stored with marks, says so in words.
    """
    bodies = []
    for event, receipt in zip(events, receipts, strict=True):
        told: dict[str, object] = {"id": _id(event), "status": str(receipt.outcome), "reason": receipt.reason}
        told |= remarks(receipt)
        if device is not None:
            told["device"] = device
        bodies.append(orjson.dumps(told))
    return bodies


def remarks(receipt: Receipt) -> dict[str, object]:
    """Return what a sender should know of one event, beside what became of it; nothing for the usual one."""
    told: dict[str, object] = {}
    if receipt.outcome is Outcome.DUPLICATE and receipt.key is not None:
        told["event"] = receipt.key.hex()
    if receipt.detail:
        told["detail"] = plain(receipt.detail, chars_max=DETAIL_CHARS_MAX)
    flags = [flag for flag in receipt.flags if flag in TOLD_FLAGS]
    if flags:
        told["flags"] = flags
    return told


def _id(event: Message | DeadLetter) -> str | None:
    """Return the sender's own id of an event; of a refused one it is looked for in the bytes that it leaves."""
    if isinstance(event, Message):
        return event.id
    try:
        [item] = items(event.raw, newline_delimited=False, events_max=1)
    except DecodeError:
        return None
    value = item.get("id") if isinstance(item, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value[:WORDS_CHARS_MAX] if isinstance(value, str) else None
