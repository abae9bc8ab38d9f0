"""Lines of the shift log as JSON."""

from __future__ import annotations

from datetime import date

from ioc.api.serializers.nouns import JSONObject, Row, label, moment
from ioc.domain.places.area_book import AreaBook


def note(row: Row, *, book: AreaBook, today: date) -> JSONObject:
    """Return a line of the shift log."""
    zone = next((one.name for one in book.zones if one.code == row["zone"]), None)
    alert = None
    if row["alert"] is not None:
        alert = {"id": row["alert"], "number": row["alert_number"], "title": row["alert_title"]}
    return {
        "id": row["id"],
        "at": moment(row["at"]),
        "author": row["author"],
        "text": row["text"],
        "place": label(zone if row["area"] is None else book.name_of(row["area"], today)),
        "alert": alert,
        "corrects": row["corrects"],
        "corrected": row["corrected"],
    }
