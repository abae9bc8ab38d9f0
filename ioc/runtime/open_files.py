"""How many files a process may have open at once; each connection is one."""

from __future__ import annotations

import resource


def allow_open_files(number: int) -> None:
    """Raise the process's bound on open files where it is lower than ``number``, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
