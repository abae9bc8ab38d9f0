"""Which tests go to the same worker: all that share a running instance, else those of one file."""

from xdist.scheduler import LoadScopeScheduling

SHARED_INSTANCE = ("tests/acceptance/", "tests/browser/")


class SchedulingByInstance(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """One worker gets all tests of a folder with an instance of its own, which starts once and is told in order."""

    def _split_scope(self, nodeid: str) -> str:
        for folder in SHARED_INSTANCE:
            if nodeid.startswith(folder):
                return folder
        return nodeid.split("::", 1)[0]
