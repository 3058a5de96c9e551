"""What the process of a query can do no more. [L-8]"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from datalake.query.process import ROOT

TRY = """
import json, os, socket, sys
sys.path.append(sys.argv[1])
from datalake.query.engine import confinement
folder, secret, number = sys.argv[2], sys.argv[3], int(sys.argv[4])
confinement.bound(memory_bytes=1 << 30, seconds=50)
confined = confinement.confine(folder, [number])
def does(act):
    try: act()
    except (OSError, MemoryError) as error: return type(error).__name__
    return "done"
def write():
    with open(1, "w", closefd=False) as out: pass
    with open(f"{folder}/new", "w") as out: out.write("x")
def link():
    with open(f"/proc/self/fd/{number}") as given: assert given.read() == "given"
acts = {"secret": lambda: open(secret).read(), "list": lambda: os.listdir("/"),
        "environment of others": lambda: open(f"/proc/{os.getppid()}/environ").read(), "write": write,
        "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1), "memory": lambda: bytearray(2 << 30),
        "given": link, "folder": lambda: os.listdir(folder), "modules": lambda: __import__("wave"),
        "run": lambda: os.execv("/bin/true", ["true"])}
print(json.dumps([confined, {name: does(act) for name, act in acts.items()}]))
"""


def test_only_the_files_of_the_query_can_be_read_and_nothing_can_be_written(tmp_path):
    (tmp_path / "tables").mkdir()
    secret, given = tmp_path / "secret", tmp_path / "given"
    secret.write_text("secret")
    given.write_text("given")
    number = os.open(given, os.O_RDONLY)
    arguments = [str(ROOT), str(tmp_path / "tables"), str(secret), str(number)]
    done = subprocess.run(
        [sys.executable, "-I", "-c", TRY, *arguments],
        pass_fds=[number],
        capture_output=True,
        text=True,
    )
    os.close(number)
    confined, found = json.loads(done.stdout)
    assert found["memory"] == "MemoryError"
    assert found["given"] == found["folder"] == found["modules"] == "done"
    assert found["write"] != "done"
    if not confined:
        pytest.skip("this kernel has no Landlock")
    denied = {"secret", "list", "environment of others", "write", "connect", "run"}
    assert {name: found[name] for name in denied} == dict.fromkeys(denied, "PermissionError")
