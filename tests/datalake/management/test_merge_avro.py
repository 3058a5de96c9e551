"""The command merge_avro. [L-3, L-5]"""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from datalake import archive
from datalake.choices import MergeState
from datalake.models import LakeFile, Merge
from operations.choices import JobState
from operations.models import Job
from tests.datalake.lake_cases import (
    ids,
    put_bytes,
    put_foreign,
    readable_ids,
    save_loose,
    valid,
)

pytestmark = pytest.mark.django_db


def run(capsys, *arguments):
    call_command("merge_avro", *arguments, "--json")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_command_merges_and_archives_what_is_past(capsys):
    """[L-3, L-5, L-7]"""
    save_loose(30, 30)
    [done] = run(capsys, "daily")["merges"]
    assert done["file_prefix"] == "avro/scoring/2026/01/20/"
    assert (done["records"], done["files"], done["state"]) == (60, 2, "archived")
    assert readable_ids() == ids(60)
    assert run(capsys, "daily")["merges"] == []


def test_the_command_archives_what_earlier_runs_left(capsys, monkeypatch):
    """[L-5] No worker is needed."""
    save_loose(10, 10)
    with monkeypatch.context() as patched:
        away = OSError("the bucket is away")
        patched.setattr(archive, "_copy", lambda file: (_ for _ in ()).throw(away))
        with pytest.raises(SystemExit):
            call_command("merge_avro", "daily", "--json")
    assert "the bucket is away" in json.loads(capsys.readouterr().out)["error"]
    assert Job.objects.get(kind="archive_merge").state == JobState.FAILED
    call_command("merge_avro", "daily", "--json")
    assert json.loads(capsys.readouterr().out)["merges"] == []
    assert Merge.objects.get().state == MergeState.ARCHIVED
    assert sorted(LakeFile.objects.values_list("state", flat=True)) == ["archived"] * 2 + ["merged"]


def test_the_command_names_each_period_that_it_could_not_merge(capsys):
    """[L-3]"""
    for day in (18, 19):
        put_bytes("junk", b"junk", folder=f"avro/registration/2026/01/{day}")
    put_foreign("theirs", [valid(1)])
    with pytest.raises(SystemExit):
        call_command("merge_avro", "daily", "--json")
    error = json.loads(capsys.readouterr().out)["error"]
    assert error.count("junk.avro cannot be read") == 2
    assert [each.period for each in Merge.objects.filter(state="archived")] == ["2026-01-20"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["daily", "--date", "2026-01-20T15:00:00Z"],
        ["--prefix", "avro/scoring/2026/01/20/"],
        ["--prefix", "scoring/2026/01"],
    ],
)
def test_the_command_merges_one_period_by_hand(capsys, arguments):
    save_loose(5, 5)
    [done] = run(capsys, *arguments)["merges"]
    assert done["records"] == 10


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["daily", "--date", "2026-01-20T15:00:00"], "offset"),
        (["daily", "--date", "2026-01-20T15:00:00Z"], "nothing to merge"),
        (["--prefix", "avro/nonsense/2026/01"], "not enabled"),
        (["daily", "--type", "nonsense"], "not enabled"),
        (["--prefix", "avro"], "is not a day or month"),
    ],
)
def test_the_command_refuses_with_one_clear_error(capsys, arguments, error):
    with pytest.raises(SystemExit) as left:
        call_command("merge_avro", *arguments, "--json")
    assert left.value.code == 1
    assert error in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]


def test_the_command_needs_a_period_or_a_prefix():
    with pytest.raises(CommandError) as wrong:
        call_command("merge_avro", "--json")
    assert wrong.value.returncode == 2
