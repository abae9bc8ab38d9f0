"""The query parameters of limits, lookup tables and their sheets."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ioc.api.http.body import Line
from ioc.api.http.filters import ImportQuery, Many, Place, TemplateQuery, WholeList, Words, read_day

On = Annotated[date | None, BeforeValidator(read_day)]


class LimitFilters(WholeList):
    """Which limits by device, class and area."""

    name: Many | None = None
    device: Words | None = None
    device_class: Annotated[Words | None, Field(alias="class")] = None
    area: Place | None = None
    on: On = None
    inherited: bool = False
    removed: bool = False


class LookupFilters(WholeList):
    """Which rows of lookup tables."""

    table: Many | None = None
    key: Words | None = None
    device: Words | None = None
    q: Words | None = None
    on: On = None
    removed: bool = False


class RowImportQuery(ImportQuery):
    """How a sheet of limits is sent; `why` is asked for where it is written."""

    why: Annotated[Line, Field(min_length=3, max_length=500)] | None = None


class LookupImportQuery(RowImportQuery):
    """How a sheet of a lookup table is sent."""

    table: Words


class LimitSheetFilters(BaseModel):
    """Which limits a workbook has."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Many | None = None
    on: On = None


class LookupSheetFilters(BaseModel):
    """Of which table a workbook is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    table: Words
    on: On = None


class LookupTemplateQuery(TemplateQuery):
    """Of which table a template is wanted, and as which kind of file."""

    table: Words
