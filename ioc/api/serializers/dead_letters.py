"""Causes of dead letters, trials of a remedy, and releases as JSON."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from ioc.api.serializers.nouns import JSONObject, label, moment
from ioc.domain.feed import FeedSpec
from ioc.domain.places.area_book import AreaBook
from ioc.domain.places.location import Box
from ioc.domain.places.stated_place import stated_place
from ioc.store.log.letter_groups import Row
from ioc.store.log.releases import ReleaseTally


def raw_text(raw: bytes) -> str | None:
    """Return bytes as text; None where they are no UTF-8 or hold a NUL. What was cut within a letter loses it."""
    if not raw:
        return ""
    for end in range(len(raw), max(len(raw) - 4, 0), -1):
        try:
            text = raw[:end].decode()
        except UnicodeDecodeError:
            continue
        return None if "\x00" in text else text
    return None


def sample(row: Row) -> JSONObject:
    """Return a letter, the beginning of its bytes as text and as they came."""
    raw = bytes(row["raw"])
    return {
        "letter": row["newest"],
        "detail": row["detail"],
        "topic": row["topic"],
        "raw_bytes": row["raw_bytes"],
        "raw_text": raw_text(raw),
        "raw_base64": base64.b64encode(raw).decode(),
    }


def group(row: Row, *, by_source: bool) -> JSONObject:
    """Return a cause with its newest letter as a sample."""
    return {
        "feed": row["feed"],
        "reason": row["reason"],
        "field": row["field"],
        "device": row["device"] if by_source else None,
        "letters": row["letters"],
        "sources": row["sources"],
        "devices": list(row["devices"] or ()),
        "first_at": moment(row["first_at"]),
        "last_at": moment(row["last_at"]),
        "sample": sample(row),
    }


@dataclass(frozen=True, slots=True)
class PlaceReader:
    """Reads where letters say that their sender is; ``area_at`` knows which unit holds a point."""

    box: Box
    area_at: Callable[[float, float], str | None] | None

    def read(self, raw: bytes, book: AreaBook, today: date) -> JSONObject | None:
        """Return the place that a letter names inside the site's box, None where it names none."""
        found = stated_place(raw)
        if found is None or not self.box.holds(*found):
            return None
        code = None if self.area_at is None else self.area_at(*found)
        unit = None if code is None else book.find(code, today)
        return {
            "lat": found[0],
            "lon": found[1],
            "area": code if unit is not None else None,
            "area_name": label(unit.name) if unit is not None else None,
        }


def unknown_device(
    row: Row, letters: Mapping[int, Row], places: PlaceReader, *, book: AreaBook, today: date
) -> JSONObject:  # fmt: skip
    """Return a device that nobody has registered, with its newest letters and where the newest says it is."""
    samples = [letters[number] for number in row["samples"] if number in letters]
    stated = (places.read(bytes(one["raw"]), book, today) for one in samples)
    is_ignored = row["ignored_at"] is not None
    return {
        "device": row["device"],
        "feed": row["feed"],
        "letters": row["letters"],
        "first_at": moment(row["first_at"]),
        "last_at": moment(row["last_at"]),
        "place": next((one for one in stated if one is not None), None),
        "samples": [{**sample(one), "received_at": moment(one["received_at"]), "door": one["door"]} for one in samples],
        "ignored": {"at": moment(row["ignored_at"]), "by": row["ignored_by"], "reason": row["ignored_why"]}
        if is_ignored
        else None,
    }


def tally(found: ReleaseTally, feeds: Mapping[str, FeedSpec]) -> JSONObject:
    """Return what comes, or came, of letters; of a sample what is withheld from everybody is not shown."""
    sample = found.sample
    data = None
    if sample is not None:
        spec = feeds.get(sample.feed)
        data = {name: value for name, value in sample.data.items() if spec is None or not spec.withholds(name)}
    return {
        "tried": found.letters,
        "passes": found.released,
        "events": found.events,
        "duplicates": found.duplicates,
        "left": [
            {"reason": reason, "field": name, "detail": found.details[reason, name], "letters": letters}
            for (reason, name), letters in found.left.most_common()
        ],
        "sample": None
        if sample is None
        else {
            "feed": sample.feed,
            "device": sample.device,
            "time": moment(sample.time),
            "data": data,
            "flags": [str(flag) for flag in sample.flags],
        },
    }


def release(row: Row) -> JSONObject:
    """Return a release as it stands."""
    return {
        "id": row["id"],
        "created_at": moment(row["created_at"]),
        "created_by": row["created_by"],
        "why": row["why"],
        "feed": row["feed"],
        "reason": row["reason"],
        "field": row["field"],
        "device": row["device"],
        "letter": row["letter"],
        "names": dict(row["names"]),
        "total": row["total"],
        "released": row["released"],
        "events": row["events"],
        "duplicates": row["duplicates"],
        "left": row["left_out"],
        "done": row["after"] >= row["upto"] or row["undone_by"] is not None,
        "undone": row["undone"],
        "kept": row["kept"],
        "undone_at": moment(row["undone_at"]),
        "undone_by": row["undone_by"],
        "undo_reason": row["undo_reason"],
        "adopted": row["adopted"],
        "device_removed": row["device_removed"],
    }
