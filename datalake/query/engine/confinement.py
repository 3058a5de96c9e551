"""What the process gives up before it looks at a query: memory, time, files and connections beyond
its limits. [L-8]

Landlock (Linux 5.13, connections since 6.7) takes away all files but those of the query and
Python's own, whatever an engine's fault would let a query do. A kernel without it leaves the other
limits, which hold by themselves: the engine is asked for no file, and can write none.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

NICE: Final = 5  # waves and pages come first
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, the same on every architecture
_VERSION, _BENEATH = 1, 1
_ALL_FILES: Final = (1 << 13) - 1  # what the first version can deny
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_CONNECT_AND_BIND: Final = 0b11
_KNOWS_CONNECTIONS: Final = 4
_NO_NEW_PRIVILEGES: Final = 38


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("connections", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def bound(*, memory_bytes: int, seconds: int) -> None:
    """The kernel ends the process after so many seconds, and refuses it memory beyond its limit;
    no file can be written, nor a core.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICE)


def confine(folder: str, files: Iterable[int]) -> bool:
    """From now on only this folder, the files open under these numbers and Python's own can be
    read, and no connection made. False where the kernel cannot do that.

    It holds for this thread and those that it starts.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, 0, _VERSION)
    if version < 1:
        return False
    denied = _Ruleset(_ALL_FILES, _CONNECT_AND_BIND if version >= _KNOWS_CONNECTIONS else 0)
    rules = libc.syscall(_CREATE, ctypes.byref(denied), ctypes.sizeof(denied), 0)
    if rules < 0:
        return False
    for path in {folder, *_libraries()}:
        number = os.open(path, os.O_PATH)
        _allow(libc, rules, number, _READ_FILE | _READ_FOLDER)
        os.close(number)
    for number in files:
        _allow(libc, rules, number, _READ_FILE)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    confined: bool = libc.syscall(_RESTRICT, rules, 0) == 0
    os.close(rules)
    return confined


def _allow(libc: ctypes.CDLL, rules: int, number: int, access: int) -> None:
    rule = _Beneath(access, number)
    libc.syscall(_ADD, rules, _BENEATH, ctypes.byref(rule), 0)


def _libraries() -> set[str]:
    """Where modules lie that Python may still load: its own, packages, and this package."""
    python = {path for path in sys.path if path.startswith((sys.prefix, sys.base_prefix))}
    return {path for path in python if Path(path).is_dir()} | {str(Path(__file__).parent)}
