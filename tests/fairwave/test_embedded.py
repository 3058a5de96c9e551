"""The PostgreSQL of a machine that has none, used and killed by real processes."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from fairwave import embedded
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("embedded")]

ROOT = Path(__file__).parent.parent.parent
SHARE = (
    "import sys; from pathlib import Path; from fairwave import embedded; "
    "embedded.share(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
)


def user_of(data: Path, **options: object) -> subprocess.Popen[str]:
    """A process that shares the server of `data` until its standard input ends."""
    pipes = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    return subprocess.Popen([sys.executable, "-c", SHARE, str(data)], cwd=ROOT, **pipes, **options)


def ready(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


@contextmanager
def in_use(data: Path, **options: object) -> Iterator[subprocess.Popen[str]]:
    with user_of(data, **options) as process:
        try:
            yield ready(process)
        finally:
            process.kill()


def postmaster(data: Path) -> int:
    return int(
        (embedded.database_folder(data) / "cluster" / "postmaster.pid")
        .read_text()
        .split("\n", 1)[0]
    )


def answer(data: Path) -> str:
    host = str(embedded.socket_folder(data))
    with psycopg.connect(
        host=host, user=embedded.USER, dbname=embedded.DATABASE, connect_timeout=5
    ) as connection:
        return connection.execute("SHOW server_version").fetchone()[0]


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in (Path("/proc") / str(pid) / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def answers(data: Path) -> bool:
    try:
        return bool(answer(data))
    except psycopg.OperationalError:
        return False


def parent_of(pid: int) -> int:
    return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data folder for the tests of this module: making a cluster takes seconds."""
    with tempfile.TemporaryDirectory(prefix="fairwave-") as folder:
        yield Path(folder)


def test_processes_that_start_at_once_share_one_server_which_ends_with_the_last_even_if_that_is_killed(
    data,
):
    first, second = user_of(data), user_of(data)
    with first, second:
        ready(first)
        ready(second)
        server = postmaster(data)
        assert answer(data).startswith("18")
        first.stdin.close()
        first.wait()
        time.sleep(1)
        assert is_alive(server)
        assert answers(data)
        second.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(server), "the end of the server")


def test_whoever_comes_while_the_server_ends_gets_one(data):
    for _ in range(4):
        with in_use(data):
            assert answers(data)
        time.sleep(0.15)


def test_a_killed_server_is_started_again_while_it_is_in_use(data):
    with in_use(data):
        killed = postmaster(data)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not is_alive(killed), "the end of the server")
        wait_until(lambda: answers(data), "an answer of the server")
        assert postmaster(data) != killed


def test_a_server_that_is_killed_again_and_again_comes_back(data):
    with in_use(data):
        for _ in range(3):
            wait_until(lambda: answers(data), "an answer of the server")
            os.kill(postmaster(data), signal.SIGKILL)
        wait_until(lambda: answers(data), "an answer of the server")


def test_a_server_that_is_shut_down_again_and_again_comes_back_each_time_while_it_is_in_use(data):
    """Shut down at once, as by `pg_ctl stop -m immediate`: it takes its pid file with it, unlike a
    killed one.
    """
    with in_use(data):
        for _ in range(4):
            stopped = postmaster(data)
            os.kill(stopped, signal.SIGQUIT)
            wait_until(
                lambda stopped=stopped: answers(data) and postmaster(data) != stopped,
                "another server",
            )


def test_after_a_killed_guardian_the_next_process_gets_a_server(data):
    with in_use(data):
        server = postmaster(data)
        os.kill(parent_of(server), signal.SIGKILL)
        with in_use(data):
            assert answers(data)
            assert postmaster(data) != server
    wait_until(lambda: not is_alive(server), "the end of the server")


def test_a_pid_file_whose_number_another_program_has_by_now_is_no_hindrance(data):
    with in_use(data):
        server = postmaster(data)
        pid_file = embedded.database_folder(data) / "cluster" / "postmaster.pid"
        left_over = pid_file.read_text()
    wait_until(lambda: not is_alive(server), "the end of the server")
    wait_until(lambda: not pid_file.exists(), "the end of the pid file")
    pid_file.write_text(left_over.replace(str(server), str(os.getpid()), 1))
    pid_file.chmod(0o600)
    with in_use(data):
        assert answers(data)


def test_what_was_written_is_there_when_the_server_starts_again(data):
    with in_use(data):
        host = str(embedded.socket_folder(data))
        with psycopg.connect(host=host, user=embedded.USER, dbname=embedded.DATABASE) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with (
        in_use(data),
        psycopg.connect(host=host, user=embedded.USER, dbname=embedded.DATABASE) as connection,
    ):
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_o7_whatever_the_umask_nobody_else_reaches_the_server_or_its_files(data):
    with in_use(data, umask=0):
        found = {path: path.stat().st_mode for path in (data, *data.rglob("*"))}
    assert any(stat.S_ISSOCK(mode) for mode in found.values())
    wrong = {str(path): oct(mode) for path, mode in found.items() if mode & 0o077}
    assert wrong == {}


def test_a_data_folder_too_deep_for_a_socket_has_its_socket_elsewhere(tmp_path):
    deep = tmp_path / ("a-rather-long-name-of-a-folder-" * 3)
    assert not embedded.socket_folder(deep).is_relative_to(deep)
    with in_use(deep):
        assert answers(deep)
        assert embedded.socket_folder(deep).stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_gets_a_server_too():
    with tempfile.TemporaryDirectory(prefix="fairwave-", dir="/var/tmp") as folder:
        os.chown(folder, 65534, 65534)
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        identity = {"user": 65534, "group": 65534, "extra_groups": []}
        if not can_be_read_by(identity):
            pytest.skip("this Python or this checkout cannot be read by other users")
        with in_use(Path(folder), env=environment, **identity):
            assert answers(Path(folder))
            server = postmaster(Path(folder))
            assert Path(f"/proc/{server}").stat().st_uid == 65534
        wait_until(lambda: not is_alive(server), "the end of the server")


def can_be_read_by(identity: dict[str, object]) -> bool:
    try:
        return (
            subprocess.run(
                [sys.executable, "-c", "import fairwave.embedded"], cwd=ROOT, **identity
            ).returncode
            == 0
        )
    except PermissionError:
        return False


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and util-linux"
)
def test_who_is_not_root_in_a_container_gets_a_server_too(tmp_path):
    somebody = ["unshare", "--user", "--map-user=1000", "--map-group=1000", sys.executable, "-c"]
    if subprocess.run([*somebody, "import os; assert os.geteuid() == 1000"]).returncode:
        pytest.skip("user namespaces are not allowed here")
    pipes = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    with subprocess.Popen([*somebody, SHARE, str(tmp_path)], cwd=ROOT, **pipes) as process:
        ready(process)
        assert is_alive(postmaster(tmp_path))
        process.kill()


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "data").write_text("a file, not a folder")
    environment = os.environ | {"FAIRWAVE_DATA": str(tmp_path / "data")}
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert str(tmp_path / "data" / "postgres") in done.stderr
    assert "FAIRWAVE_DATA" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_is_deleted_only_when_nobody_uses_its_server(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "STOP_TIMEOUT_SECONDS", 0)
    folder = embedded.database_folder(tmp_path / "data")
    folder.mkdir(parents=True)
    with (folder / "users.lock").open("w") as user:
        fcntl.flock(user, fcntl.LOCK_SH)
        with pytest.raises(embedded.EmbeddedServerError, match=r"Another process .*/data"):
            embedded.discard(tmp_path / "data")
    assert folder.exists()
    embedded.discard(tmp_path / "data")
    embedded.discard(tmp_path / "data")  # deleting what is not there is no error
    assert not (tmp_path / "data").exists()
