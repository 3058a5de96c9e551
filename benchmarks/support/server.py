"""The processor time of the PostgreSQL that runs on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from operations.database.statements import first_row

PARENT, OWN, OF_THE_DEAD = 1, slice(11, 13), slice(13, 15)  # of /proc/*/stat, behind the name


def seconds() -> float:
    """What its processes have used until now, those that have ended included; 0 for a server on
    another machine.
    """
    (backend,) = first_row("SELECT pg_backend_pid()") or (0,)
    fields = _stat(backend)
    if fields is None:
        return 0.0
    server = int(fields[PARENT])
    found = {int(path.name): _stat(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    ticks = 0
    for number, stat in found.items():
        if stat is None:
            continue
        if number == server:
            ticks += sum(map(int, stat[OWN] + stat[OF_THE_DEAD]))
        elif int(stat[PARENT]) == server:
            ticks += sum(map(int, stat[OWN]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(process: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
