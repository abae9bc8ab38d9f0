"""What an instance opens to the outside, and the one guard that keeps a drill from all of it.

A drill's alarms must reach nobody who would act on them. So in a drill nothing outward is opened, but for what the
site has declared to be a drill's own. Every role and `ioc up` pass through here; what is new and reaches outside is
listed in OUTWARD, which a test compares with the settings.
"""

from __future__ import annotations

from collections.abc import Mapping

from ioc.assembly.drill_folder import read_mark
from ioc.settings import Settings

OUTWARD: Mapping[str, str] = {"mqtt_bridge_url": "mqtt_bridge_drill"}
"""Each setting that makes the instance reach outside, and the one that declares its receiver to be a drill's."""


def guard_settings(settings: Settings) -> Settings:
    """Return the settings as they may be used on their data folder: in a drill, without real receivers.

    Raises:
        SettingsError: the folder's mark cannot be read, so nobody knows whether it is a drill's.
    """
    if read_mark(settings.data_dir) is None:
        return settings
    shut = {name: None for name, declared in OUTWARD.items() if not getattr(settings, declared)}
    return settings.model_copy(update=shut)
