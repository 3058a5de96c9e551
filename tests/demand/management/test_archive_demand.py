"""`archive_demand [FILE|-]`: its result and its refusals. [D-1]"""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys

import pytest
from django.core.management import call_command

from datalake.storage import buckets
from demand.models import EventUpload
from demand.sources import uploads
from operations import jobs, leases
from operations.errors import Refusal
from operations.models import Job
from sandbox import changes
from tests.support.change_events import DEMAND, change
from tests.support.processes import command

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: object) -> dict:
    out = io.StringIO()
    call_command("archive_demand", *map(str, arguments), "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def test_the_result_counts_every_event_and_names_every_file(tmp_path):
    path = tmp_path / "changes.jsonl"
    raws = [*changes.make(30), b"{", b"{}"]
    path.write_bytes(b"\n".join(raws))
    result = run(path)
    assert (result["in"], result["archived"], result["errors"]) == (
        32,
        30,
        {"not_json": 1, "wrong_envelope": 1},
    )
    assert sorted(result["files"] + result["error_files"]) == list(
        buckets.campaign_data().list("demand/")
    )
    assert len(result["error_files"]) == 2
    told = {each["s3"]["key"]: each for each in result["deliveries"]}
    assert set(told) == set(result["files"])
    assert sum(each["count"] for each in told.values()) == 30
    assert result["seconds"] >= 0
    assert run(path) | {"seconds": 0} == result | {"seconds": 0}


@pytest.mark.processes
def test_d1_it_reads_standard_input(tmp_path):
    content = b"\n".join(changes.make(40, carried=0.5)) + b"\nnot json\n"
    given = tmp_path / "given"
    given.write_bytes(content)
    for named in ([], ["-"]):
        result = command("archive_demand", *named, "--json", standard_input=given).result()
        assert (result["in"], result["archived"], result["errors"]) == (41, 40, {"not_json": 1})
    assert EventUpload.objects.get().name == "standard input"


def test_it_reads_a_pipe_by_name(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(
        ["sh", "-c", 'printf "%s\n" "$0" > "$1"', change(DEMAND).decode(), str(path)]
    ):
        assert run(path)["archived"] == 1


def test_a_file_that_cannot_be_read_is_one_clear_line_and_exit_1(tmp_path):
    with pytest.raises(SystemExit) as ended:
        run(tmp_path / "nowhere.jsonl")
    assert ended.value.code == 1
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"{}\n" * 1_000, mtime=0)[:-9])
    with pytest.raises(SystemExit):
        run(broken)
    upload = EventUpload.objects.get()
    assert (upload.finished_at, buckets.scoring().exists(upload.key)) == (None, False)


def test_closed_standard_input_and_an_empty_name_are_one_clear_line_and_exit_1(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    for given, says in (
        ("-", "Standard input is closed"),
        ("", "A file without a name cannot be read"),
    ):
        with pytest.raises(SystemExit) as ended:
            call_command("archive_demand", given, "--json")
        assert ended.value.code == 1
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["error"].startswith(says)


def test_a_job_that_is_paused_by_hand_says_so_and_continues_with_the_same_command(
    tmp_path, monkeypatch
):
    path = tmp_path / "changes.jsonl"
    path.write_bytes(b"\n".join(changes.make(10)))
    step = leases.Lease.step

    def paused(lease, name, **values):
        step(lease, name, **values)
        jobs.request_stop(lease.job_id, "pause")

    with monkeypatch.context() as patched:
        patched.setattr(leases.Lease, "step", paused)
        with pytest.raises((SystemExit, Refusal)):
            run(path)
    assert Job.objects.get().state == "paused"
    assert run(path)["archived"] == 10
    assert uploads.result_of(EventUpload.objects.get())["archived"] == 10
