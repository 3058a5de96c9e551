"""Files of ranks from upload to SAVED: stored, translated, listed in their manifest. [S-15, S-12,
S-13]
"""

from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from campaigns.choices import ScoreFileState, ScoringType
from campaigns.errors import (
    BadFanListId,
    FanListTaken,
    UnknownFanList,
    UnreadableFile,
    UnreadableList,
    WrongStatus,
)
from campaigns.models import Campaign, FanList, FanScore, RankFile, ScoreFile
from campaigns.opening import close_campaign
from campaigns.ranks import rank_files, translation
from campaigns.scoring import activation
from datalake import save, streams
from datalake.choices import StreamName
from datalake.models import StreamBatch
from datalake.storage import buckets
from datalake.streams.batches import unpack_records
from operations import leases
from operations.choices import JobState
from operations.errors import JobBusy
from operations.models import Job
from tests.campaigns.ranks.rank_cases import (
    MANIFEST,
    manifest,
    process_ranks,
    ranks_of,
    receive_ranks,
)
from tests.support.campaigns import (
    import_registrations,
    in_memory,
    make_active,
    make_campaign,
    process_scores,
    registration_row,
)
from tests.support.people import why_late
from tests.support.score_files import read

pytestmark = pytest.mark.django_db(transaction=True)

UPLOADED = "fanlist/uploaded/club/ranks.csv"


def test_a_file_of_ranks_becomes_a_score_file_on_the_fan_lists_own_stream_and_comes_to_saved():
    """[S-15, T-1, L-2]"""
    campaign = make_campaign("tour")
    score_file = process_ranks(campaign, ranks_of(4))
    assert score_file.state == ScoreFileState.STREAMED
    assert dict(
        FanScore.objects.filter(score_file=score_file).values_list("global_user_id", "raw_score")
    ) == {
        "fan-1": 1.0,
        "fan-2": 0.75,
        "fan-3": 0.5,
        "fan-4": 0.25,
    }
    assert not StreamBatch.objects.filter(stream=StreamName.SCORED).exists()
    (batch,) = streams.read(StreamName.FANLIST_RANKS, 0, 99)
    records = unpack_records(batch.payload)
    assert {(record["type"], record["campaignId"]) for record in records} == {("scoring", "tour")}
    assert sorted(record["globalUserId"] for record in records) == [
        "fan-1",
        "fan-2",
        "fan-3",
        "fan-4",
    ]
    save.save(StreamName.FANLIST_RANKS)
    score_file.refresh_from_db()
    assert score_file.state == ScoreFileState.SAVED
    assert len(list(buckets.campaign_data().list("avro/scoring/"))) == 1


def test_it_counts_like_any_score_file_and_can_be_undone():
    """[S-13]"""
    campaign = make_campaign()
    plain, from_ranks = process_scores(campaign), process_ranks(campaign, ranks_of(3))
    assert make_active(from_ranks).active_score_file_id == from_ranks.pk
    assert activation.undo(campaign.pk, **why_late(campaign)).active_score_file_id == plain.pk


def test_columns_that_are_not_used_are_listed():
    """[S-1]"""
    received = receive_ranks(
        make_campaign(), b"rank,note,global_user_id,phone_confirmed\n1,x,fan-1,yes\n"
    )
    assert received.score_file.ignored_columns == ["note", "phone_confirmed"]


def test_the_same_bytes_are_the_same_score_file_even_after_registrations_changed():
    """[S-12]"""
    campaign, content = make_campaign(), b"global_user_id,rank\nfan-1,1\n"
    first = receive_ranks(campaign, content)
    written = read(MANIFEST)
    import_registrations(campaign, [registration_row(1)])
    again = receive_ranks(campaign, content, name="renamed.csv")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.score_file == first.score_file
    assert ScoreFile.objects.count() == 1
    assert read(MANIFEST) == written


def test_the_same_bytes_by_another_formula_are_another_score_file():
    campaign = make_campaign()
    receive_ranks(campaign, ranks_of(4))
    Campaign.objects.update(scoring_type=ScoringType.PERCENTILE)
    campaign.refresh_from_db()
    assert not receive_ranks(campaign, ranks_of(4)).repeated
    assert [entry["formula"] for entry in manifest()["files"]] == ["linear", "percentile"]


def test_a_score_file_that_failed_is_translated_again_with_the_registrations_of_today():
    campaign, content = make_campaign(), b"global_user_id,rank\nfan-1,1\n"
    first = receive_ranks(campaign, content).score_file
    ScoreFile.objects.filter(pk=first.pk).update(state=ScoreFileState.FAILED, error="x")
    import_registrations(campaign, [registration_row(1)])
    second = process_ranks(campaign, content)
    assert second.accepted == 1
    assert [entry["score_file"]["number"] for entry in manifest()["files"]] == [second.pk]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"global_user_id,rank\n", "header but no rows"),
        (b"global_user_id,score\nfan-1,1\n", "is missing the column rank"),
        (b"\xff\xfe\x00rank\n1\n", "UTF-8"),
        (gzip.compress(ranks_of(3), mtime=0)[:40], "unpacked"),
        (b"rank" + b"k" * 70_000, "longer than"),
    ],
    ids=["empty", "no rank", "no column", "no UTF-8", "breaks off", "no end"],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_job(content, says):
    """[S-15]"""
    with pytest.raises(UnreadableFile, match=says):
        receive_ranks(make_campaign(), content)
    job = Job.objects.get()
    assert (job.state, job.error != "") == (JobState.FAILED, True)
    assert not ScoreFile.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_kept(settings):
    """[S-1]"""
    settings.UPLOAD_MAX_BYTES = 10
    with pytest.raises(UnreadableFile, match="larger than 10 bytes"):
        receive_ranks(make_campaign(), ranks_of(3))
    assert not FanList.objects.exists()
    settings.UPLOAD_MAX_BYTES = 5_000
    packed = gzip.compress(b"rank,global_user_id\n" + b"1,fan\n" * 1_000)
    with pytest.raises(UnreadableFile, match="larger than 5,000 bytes when unpacked"):
        receive_ranks(make_campaign("other"), packed)


def test_a_list_belongs_to_one_campaign():
    receive_ranks(make_campaign("one"), ranks_of(2))
    with pytest.raises(FanListTaken, match="belongs to campaign one, not two"):
        receive_ranks(make_campaign("two"), ranks_of(3))
    assert RankFile.objects.count() == 1


def test_a_list_needs_a_name_that_a_key_can_hold():
    with pytest.raises(BadFanListId, match="letters, digits"):
        receive_ranks(make_campaign(), ranks_of(2), fanlist_id="../scored")
    assert not FanList.objects.exists()


def test_a_campaign_that_is_not_open_takes_no_ranks():
    """[C-2]"""
    with pytest.raises(WrongStatus, match="draft"):
        receive_ranks(make_campaign(opened=False), ranks_of(2))
    with pytest.raises(WrongStatus, match="closed"):
        receive_ranks(close_campaign(make_campaign().pk, by=None), ranks_of(2))


def test_a_blacklist_that_cannot_be_read_fails_the_upload(bucket_folders):
    (bucket_folders / "scoring" / "blacklist" / "emails.txt").mkdir(parents=True)
    with pytest.raises(UnreadableList):
        receive_ranks(make_campaign(), ranks_of(2))
    assert not RankFile.objects.exists()


def test_a_file_dropped_into_the_bucket_is_taken_for_the_lists_campaign():
    campaign = make_campaign()
    FanList.objects.create(fanlist_id="club", campaign=campaign)
    buckets.scoring().put(UPLOADED, ranks_of(3))
    received = rank_files.take(UPLOADED, by=None)
    assert (received.repeated, received.score_file.campaign) == (False, campaign)
    assert rank_files.take(UPLOADED, by=None).repeated
    (listed,) = manifest()["files"]
    assert buckets.scoring().sha256(listed["file"]) == listed["sha256"]


def test_a_dropped_file_that_is_replaced_is_another_file():
    FanList.objects.create(fanlist_id="club", campaign=make_campaign())
    buckets.scoring().put(UPLOADED, ranks_of(3))
    first = rank_files.take(UPLOADED, by=None)
    buckets.scoring().put(UPLOADED, ranks_of(4))
    second = rank_files.take(UPLOADED, by=None)
    assert (second.repeated, second.score_file.attempt) == (False, first.score_file.attempt + 1)
    for listed in manifest()["files"]:
        assert buckets.scoring().sha256(listed["file"]) == listed["sha256"]


def test_a_dropped_file_of_an_unknown_list_is_refused_with_what_to_do():
    buckets.scoring().put(UPLOADED, ranks_of(3))
    with pytest.raises(UnknownFanList, match="Add it"):
        rank_files.take(UPLOADED, by=None)
    with pytest.raises(UnreadableFile, match="not a rank file"):
        rank_files.take(MANIFEST, by=None)


def test_an_upload_does_not_lie_where_files_are_dropped():
    """[S-1]"""
    rank_files.store(make_campaign(), "club", "ranks.csv", in_memory(ranks_of(3)), by=None)
    assert list(buckets.scoring().list("fanlist/uploaded/")) == []


def test_an_upload_that_was_replaced_meanwhile_is_not_translated():
    stored = rank_files.store(make_campaign(), "club", "ranks.csv", in_memory(ranks_of(3)), by=None)
    buckets.scoring().put(stored.key, ranks_of(4))
    job = rank_files.open_job(stored, by=None)
    with pytest.raises(UnreadableFile, match="checksum"):
        rank_files.translate(job.pk)
    assert not ScoreFile.objects.exists()
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_a_translation_that_broke_off_comes_to_the_same_end(monkeypatch):
    """[S-12, O-6]"""
    campaign = make_campaign()
    stored = rank_files.store(campaign, "club", "ranks.csv", in_memory(ranks_of(3)), by=None)
    job = rank_files.open_job(stored, by=None)
    with monkeypatch.context() as broken:
        # behind the score file, before the job's end
        broken.setattr(rank_files.manifest, "write", lambda fanlist: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rank_files.translate(job.pk)
    again = receive_ranks(campaign, ranks_of(3))
    assert again.repeated
    assert ScoreFile.objects.count() == 1
    assert manifest()["files"][0]["score_file"]["number"] == again.score_file.pk


def test_a_worker_that_dies_behind_the_reception_leaves_no_second_score_file(monkeypatch):
    campaign = make_campaign()
    with monkeypatch.context() as broken:
        broken.setattr(translation.Found, "counts", property(lambda found: 1 / 0))
        with pytest.raises(ZeroDivisionError):
            receive_ranks(campaign, ranks_of(3))
    orphan = ScoreFile.objects.get()
    received = receive_ranks(campaign, ranks_of(3))
    assert received.score_file == orphan
    assert received.score_file.manifest_key == MANIFEST


def test_two_do_not_translate_one_file_at_once():
    stored = rank_files.store(make_campaign(), "club", "ranks.csv", in_memory(ranks_of(3)), by=None)
    job = rank_files.open_job(stored, by=None)
    with leases.working(job.pk), pytest.raises(JobBusy):
        rank_files.translate(job.pk)


def test_the_command_says_what_process_scores_says_and_where_the_manifest_lies(tmp_path: Path):
    """interfaces: translate_ranks"""
    make_campaign("tour")
    file = tmp_path / "ranks.csv"
    file.write_bytes(ranks_of(5))
    results = []
    for _ in range(2):
        out = StringIO()
        call_command(
            "translate_ranks",
            "tour",
            str(file),
            "--fanlist",
            "club",
            "--json",
            stdout=out,
            stderr=StringIO(),
        )
        results.append(json.loads(out.getvalue().splitlines()[-1]))
    assert [result["repeated"] for result in results] == [False, True]
    wanted = {
        "state": "streamed",
        "activated": True,
        "rows_in": 5,
        "accepted": 4,
        "rejected": {"below_minimum_score": 1},
    }
    wanted |= {
        "manifest": MANIFEST,
        "scrubbed": "fanlist/scored/club/ranks.csv",
        "streamed": 4,
        "ignored_columns": [],
    }
    assert {name: results[0][name] for name in wanted} == wanted
    assert results[1] | {"repeated": False, "seconds": 0} == results[0] | {"seconds": 0}
    out = StringIO()
    call_command(
        "translate_ranks",
        "tour",
        str(file),
        "--fanlist",
        "gold",
        "--json",
        stdout=out,
        stderr=StringIO(),
    )
    same_ranks = json.loads(out.getvalue().splitlines()[-1])
    assert same_ranks["score_file"] == results[0]["score_file"]
    assert same_ranks["manifest"] == "fanlist/uploaded/gold/manifest.json"
    assert buckets.scoring().exists(same_ranks["manifest"])


def test_the_command_refuses_in_one_line(tmp_path: Path):
    make_campaign("tour")
    (tmp_path / "ranks.csv").write_bytes(b"id,name\n1,x\n")
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit):
        call_command(
            "translate_ranks",
            "tour",
            str(tmp_path / "ranks.csv"),
            "--fanlist",
            "club",
            "--json",
            stdout=out,
            stderr=err,
        )
    assert "is missing the columns global_user_id and rank" in json.loads(out.getvalue())["error"]
    assert err.getvalue().count("\n") == 1
