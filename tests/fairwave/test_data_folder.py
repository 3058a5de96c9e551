"""What Fairwave keeps on a machine is for its own user alone. [O-7]"""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fairwave import data_folder, embedded, env
from sandbox import serve
from tests.fairwave.settings_cases import ROOT, check, environment

# One process begun with the widest umask. It writes by each way that servers, workers and commands
# have; that of the embedded PostgreSQL is in test_embedded.
WRITE = """
import django
django.setup()
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage as static
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.mail import send_mail
from campaigns.scoring.local_cache import LocalCache
from datalake.storage import buckets
from sandbox import fans, serve
data = settings.FAIRWAVE_DATA
held, unfinished = serve.hold(data), []
for bucket in (buckets.scoring(), buckets.campaign_data()):
    bucket.put("a/b/whole", b"bytes")
    bucket.copy("a/b/whole", "c/copy")
    unfinished.append(bucket.writer("d/e"))
    unfinished[-1].__enter__()
storages["scoring"].save("f/by-django", ContentFile(b"bytes"))
static.save("g/page.css", ContentFile(b"p {} " * 500))
list(static.post_process({"g/page.css": (static, "g/page.css")}))
send_mail("subject", "text", None, ["ann@example.com"])
(data / "logs").mkdir()
serve.Program("sheep", ["echo", "bah"], data / "logs" / "sheep.log").process.wait()
cache = LocalCache(data / "work" / "job.1")
cache.refill(iter(()), iter(()))
fans.write_campaign(data / "campaign.json", 200)
for path in sorted((data, *data.rglob("*"))):
    kind = "folder" if path.is_dir() else "file"
    print(oct(path.stat().st_mode & 0o7777), kind, path.relative_to(data))
"""


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.processes
def test_o7_whatever_the_umask_every_file_is_0600_and_every_folder_0700(tmp_path):
    data = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, "-c", WRITE],
        cwd=ROOT,
        env=environment({"FAIRWAVE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "fairwave.settings"})
        | {"SECRET_KEY": "", "DATABASE_URL": ""},
        umask=0,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    wanted = {"folder": "0o700", "file": "0o600"}
    assert [line for line in lines if line[0] != wanted[line[1]]] == []
    names = {Path(name).name for _, _, name in lines}
    assert {"secret-key", "serve.lock", "whole", "copy", "by-django", "page.css.gz"} <= names
    assert {"sheep.log", "job.1", "campaign.json"} <= names
    assert {Path(name).suffix for name in names} >= {".part", ".log"}


@pytest.mark.full
@pytest.mark.processes
def test_o7_after_a_whole_presale_every_file_is_0600_and_every_folder_0700(tmp_path):
    """And while its PostgreSQL still runs."""
    data = tmp_path / "data"
    clean = {"PATH": os.environ["PATH"], "FAIRWAVE_DATA": str(data)}
    keep = "import sys; from pathlib import Path; from fairwave import embedded\n"
    keep += "embedded.share(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    demo = [sys.executable, "-m", "sandbox.presale", "--fans", "300", "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", keep, str(data)], cwd=ROOT, env=clean, umask=0, **pipes
    ) as server:
        assert server.stdout.readline() == "ready\n"
        subprocess.run(demo, cwd=ROOT, env=clean, umask=0, check=True, capture_output=True)
        found = {path: permissions(path) for path in (data, *data.rglob("*"))}
        server.kill()
    assert any(path.name.startswith(".s.PGSQL") for path in found)
    assert any(path.suffix == ".zip" for path in found)
    wrong = {str(path): oct(mode) for path, mode in found.items() if mode & 0o077 or mode & 0o7000}
    assert wrong == {}


def opened(data: Path, *names: str) -> Path:
    """A folder as an earlier version may have left it: others can enter and read everything."""
    for name in names:
        (data / name).mkdir(parents=True)
        (data / name / "deep").touch(0o644)
    (data / "serve.lock").touch()
    for path in (data, *data.iterdir()):
        path.chmod(0o644 if path.is_file() else 0o755)
    return data


def test_o7_what_others_could_enter_is_closed_and_said_once(tmp_path, caplog):
    data = opened(tmp_path / "data", "scoring", "emails")
    caplog.set_level(logging.WARNING)
    assert data_folder.narrow(data) is None
    assert {permissions(path) for path in (data, data / "scoring", data / "emails")} == {0o700}
    assert permissions(data / "serve.lock") == 0o600
    assert [str(path) in caplog.text for path in (data / "scoring", data / "serve.lock")] == [
        True,
        True,
    ]
    caplog.clear()
    assert data_folder.narrow(data) is None
    assert caplog.text == ""


def test_o7_settings_narrow_the_folder_before_anything_is_written(tmp_path):
    data = opened(tmp_path / "data", "scoring")
    assert check(FAIRWAVE_DATA=str(data)) == []
    assert permissions(data) == 0o700


def test_a_folder_of_something_else_is_refused_and_left_as_it_is(tmp_path):
    shared = tmp_path / "shared"
    (shared / "website").mkdir(parents=True)
    shared.chmod(0o755)
    (shared / "website").chmod(0o755)
    (refused,) = check(FAIRWAVE_DATA=str(shared))
    assert refused.is_serious()
    assert f"FAIRWAVE_DATA: {shared} holds other files" in refused.msg
    assert str(shared / "fairwave") in str(refused.hint)
    assert (permissions(shared), permissions(shared / "website")) == (0o755, 0o755)


@pytest.mark.parametrize("name", ["lost+found", "static", "logs", "work", "postgres", "scoring"])
def test_a_name_that_others_use_too_does_not_make_a_folder_ours(name, tmp_path):
    shared = tmp_path / "shared"
    for each in (name, "website"):
        (shared / each).mkdir(parents=True)
        (shared / each).chmod(0o755)
    shared.chmod(0o755)
    local = {"SECRET_KEY": "", "DATABASE_URL": "", "SITE_URL": ""}
    for _ in range(2):  # nothing of the first start makes the folder ours at the second
        found = check(FAIRWAVE_DATA=str(shared), **local)
        # checks run in no order
        assert any("holds other files" in each.msg for each in found)
        with pytest.raises(embedded.EmbeddedServerError, match="holds other files"):
            embedded.share(shared)
    assert {path.name for path in shared.iterdir()} == {name, "website"}
    assert {permissions(path) for path in (shared, *shared.iterdir())} == {0o755}


def test_bin_serve_leaves_a_folder_of_something_else_as_it_is(tmp_path, monkeypatch, capsys):
    (tmp_path / "website").mkdir()
    tmp_path.chmod(0o755)
    monkeypatch.setattr(env, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(sys, "argv", ["bin/serve"])
    assert serve.main() == 1
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["website"]


def test_a_new_disk_is_closed_and_a_folder_that_is_closed_is_left_as_it_is(tmp_path):
    disk = tmp_path / "disk"
    (disk / "lost+found").mkdir(parents=True)
    disk.chmod(0o755)
    assert data_folder.narrow(disk) is None
    assert permissions(disk) == 0o700
    (disk / "website").mkdir()
    (disk / "website").chmod(0o755)
    assert data_folder.narrow(disk) is None
    assert permissions(disk / "website") == 0o755


def test_a_folder_for_all_users_is_refused_even_with_files_of_ours(tmp_path):
    shared = opened(tmp_path / "tmp", "scoring")
    shared.chmod(0o1777)
    assert "holds other files" in data_folder.narrow(shared).problem
    assert permissions(shared) == 0o1777


def test_a_folder_that_cannot_be_closed_is_refused(tmp_path, monkeypatch):
    data = opened(tmp_path / "data", "scoring")
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    assert "stays open to other users" in data_folder.narrow(data).problem

    def of_another_user(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", of_another_user)
    assert "Operation not permitted" in data_folder.narrow(data).problem


def test_a_server_that_runs_as_another_user_still_passes_through(tmp_path, monkeypatch):
    """Where root has no user namespaces: nobody can list the folder, and all in it is closed."""
    data = opened(tmp_path / "data", "scoring", "postgres")
    monkeypatch.setattr(data_folder, "_server_is_another_user", lambda _: True)
    data.chmod(0o701)
    (data / "scoring").chmod(0o701)
    assert data_folder.narrow(data) is None
    assert permissions(data) == 0o701
    assert permissions(data / "scoring") == 0o700
