"""The contacts that a demo begins with: samples, marked as such; their numbers reach nobody."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ioc.domain.contacts.directory import Contact, ContactMethod, Hours, MethodKind
from ioc.domain.severity import Severity
from ioc.errors import InvalidInputError

FILE_BYTES_MAX = 1 << 18
CONTACTS_MAX = 200
Name = Annotated[str, Field(min_length=1, max_length=64)]


class DemoTitle(BaseModel):
    """A title in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    vi: str
    en: str


class DemoMethod(BaseModel):
    """One way to reach a sample."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: MethodKind
    value: str


class DemoContact(BaseModel):
    """One contact of a unit of the pack."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    unit: Name
    title: DemoTitle
    methods: list[DemoMethod] = Field(min_length=1)
    rank: int = 0
    severity_from: Severity = Severity.INFO
    around_the_clock: bool = False
    """Whether it can be called out of its unit's hours too."""


class DemoContacts(BaseModel):
    """The file: who enters them, and why they say so."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    entered_by: Name
    why: str
    contacts: list[DemoContact] = Field(min_length=1, max_length=CONTACTS_MAX)

    def of(self, units: set[str]) -> list[Contact]:
        """Return the contacts of units that the pack has."""
        all_day: Hours = {}
        return [
            Contact(
                id=f"demo-{number:03}",
                unit=one.unit,
                title_vi=one.title.vi,
                title_en=one.title.en,
                rank=one.rank,
                methods=tuple(ContactMethod(method.kind, method.value) for method in one.methods),
                hours=all_day if one.around_the_clock else None,
                severity_from=one.severity_from,
            )
            for number, one in enumerate(self.contacts, start=1)
            if one.unit in units
        ]


def load_demo_contacts(path: Path) -> DemoContacts:
    """Read the file.

    Raises:
        InvalidInputError: it cannot be read or says something else; the message names the place.
    """
    try:
        raw = path.read_bytes()
        if len(raw) > FILE_BYTES_MAX:
            raise InvalidInputError(f"{path}: longer than {FILE_BYTES_MAX} bytes", field="demo")
        return DemoContacts.model_validate(yaml.safe_load(unicodedata.normalize("NFC", raw.decode("utf-8"))))
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror or error}", field="demo") from error
    except ValidationError as error:
        found = error.errors()[0]
        place = ".".join(str(part) for part in found["loc"])
        raise InvalidInputError(f"{path}: {place}: {found['msg']}", field="demo") from error
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInputError(f"{path}: {error}", field="demo") from error
