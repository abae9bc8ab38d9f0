"""Every table, as SQLAlchemy Core: one module for each room of the store.

The migrations make them; a test proves that both agree. Importing this package declares them all.
"""

from __future__ import annotations

from ioc.store.tables import (
    accounts,
    alerts,
    audit,
    changes,
    contacts,
    dated,
    device_imports,
    indicators,
    log,
    manual,
    media,
    operations,
    personal,
    quality,
    registry,
    rules,
    series,
    sessions,
)
from ioc.store.tables.schema import metadata

__all__ = [
    "accounts",
    "alerts",
    "audit",
    "changes",
    "contacts",
    "dated",
    "device_imports",
    "indicators",
    "log",
    "manual",
    "media",
    "metadata",
    "operations",
    "personal",
    "quality",
    "registry",
    "rules",
    "series",
    "sessions",
]
