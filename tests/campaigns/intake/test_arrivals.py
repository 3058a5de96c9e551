"""What another service puts into the scoring bucket is taken up by itself, each version of it once.
[S-1, S-4]
"""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from campaigns.errors import (
    CannotTakeIn,
    LateRefused,
    ListEntryInvalid,
    NotStored,
    UnfitName,
    UnknownCampaign,
    UnreadableFile,
    UnreadableList,
)
from campaigns.intake import arrivals, browser_uploads
from campaigns.models import Arrival, FanList, LateChange, ScoreFile
from campaigns.scoring import score_files
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from datalake.storage.objects import BucketUnreachable
from operations import tasks
from operations.choices import JobState
from operations.models import Alert, Job
from tests.campaigns.intake.dropped_files import CONTENT, drop
from tests.campaigns.ranks.rank_cases import ranks_of
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.outages import out_of_reach
from tests.support.people import keeper, staff
from tests.support.processes import Process, run_together

pytestmark = pytest.mark.django_db(transaction=True)


def test_s1_a_dropped_file_becomes_a_score_file_of_the_campaign_it_is_named_for():
    campaign = make_campaign()
    key = drop(f"scored/{campaign.campaign_id}.20260118.txt")
    (job,) = arrivals.look()
    score_file = arrivals.take(job.pk)
    assert score_file is not None
    stands = (score_file.campaign, score_file.timestamp, score_file.state)
    assert stands == (campaign, "20260118", "uploaded")
    assert buckets.scoring().sha256(key) == buckets.scoring().sha256(score_file.key)
    assert Arrival.objects.get(pk=int(job.subject_id)).score_file == score_file
    assert arrivals.look() == []


def test_s1_what_was_uploaded_by_hand_and_what_lies_in_no_watched_folder_is_left_alone():
    campaign = make_campaign()
    receive_scores(campaign, CONTENT, name=f"{campaign.campaign_id}.1.txt")
    drop("fanlist/uploaded/list-1/manifest.json")
    drop("uploads/of/a-browser")
    drop("README.md")
    assert arrivals.look() == []


@pytest.mark.parametrize(
    "key",
    ["scored/README.md", "scored/tour.2.txt.part", "scored/a/tour.1.txt", "blacklist/notes.txt"],
)
def test_s1_an_object_whose_name_fits_nothing_alerts_once_and_is_listed(key):
    drop(key)
    (job,) = arrivals.look()
    with pytest.raises(UnfitName, match="its name fits nothing"):
        arrivals.take(job.pk)
    job.refresh_from_db()
    assert (job.state, job.works_on) == (JobState.FAILED, f"arrival {job.subject_id} ({key})")
    assert key in Alert.objects.get().text
    assert arrivals.look() == []


def test_s1_a_second_drop_under_the_same_name_leaves_the_first_ones_bytes():
    campaign = make_campaign()
    key = drop(f"scored/{campaign.campaign_id}.1.txt")
    first = arrivals.take(arrivals.look()[0].pk)
    drop(key, score_file_bytes([score_row(7)]), seconds_ago=30)
    second = arrivals.take(arrivals.look()[0].pk)
    for score_file in (first, second):
        assert buckets.scoring().sha256(score_file.key) == score_file.sha256
    assert first.sha256 != second.sha256
    assert score_files.process(score_files.open_job(first, by=None).pk).accepted == 2


def test_s1_an_upload_leaves_the_dropped_file_of_its_name_and_both_are_taken_in():
    campaign = make_campaign()
    key = drop(f"scored/{campaign.campaign_id}.1.txt")
    uploaded = receive_scores(
        campaign, score_file_bytes([score_row(7)]), name=key.removeprefix("scored/")
    )
    dropped = arrivals.take(arrivals.look()[0].pk)
    assert dropped.sha256 == hashlib.sha256(CONTENT).hexdigest()
    for score_file in (uploaded, dropped):
        assert buckets.scoring().sha256(score_file.key) == score_file.sha256


def test_s1_a_file_whose_time_is_yet_to_come_is_taken_like_any_other(monkeypatch):
    monkeypatch.setattr(arrivals, "STEADY_SECONDS", 0)
    campaign = make_campaign()
    drop(f"scored/{campaign.campaign_id}.1.txt", seconds_ago=-365 * 24 * 3600)
    (job,) = arrivals.look()
    assert arrivals.take(job.pk).state == "uploaded"


def test_s1_a_link_that_leads_in_a_circle_holds_up_no_other_and_is_named(monkeypatch):
    monkeypatch.setattr(arrivals, "STEADY_SECONDS", 0)
    campaign = make_campaign()
    folder = Path(
        buckets.scoring().url_or_path(drop(f"scored/{campaign.campaign_id}.1.txt"))
    ).parent
    (folder / "circle").symlink_to(folder)
    (folder / "itself.txt").symlink_to(folder / "itself.txt")
    jobs = {job.arguments["name"]: job for job in arrivals.look()}
    assert sorted(jobs) == [
        "scored/circle",
        "scored/itself.txt",
        f"scored/{campaign.campaign_id}.1.txt",
    ]
    with pytest.raises(UnfitName):
        arrivals.take(jobs["scored/circle"].pk)
    assert arrivals.take(jobs[f"scored/{campaign.campaign_id}.1.txt"].pk) is not None
    assert arrivals.look() == []


@pytest.mark.parametrize(
    ("named", "content", "error"),
    [("nobody", CONTENT, UnknownCampaign), ("", b"x", UnreadableFile)],
)
def test_s1_a_file_that_cannot_be_taken_is_refused_once_and_its_job_says_why(named, content, error):
    campaign = make_campaign()
    drop(f"scored/{named or campaign.campaign_id}.1.txt", content)
    (job,) = arrivals.look()
    with pytest.raises(error):
        arrivals.take(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert arrivals.look() == []
    assert not ScoreFile.objects.exists()
    assert Alert.objects.count() == 1


def test_s1_a_file_above_the_limit_is_refused_without_being_fetched(settings, monkeypatch):
    campaign = make_campaign()
    settings.UPLOAD_MAX_BYTES = len(CONTENT) - 1
    drop(f"scored/{campaign.campaign_id}.1.txt")
    (job,) = arrivals.look()
    monkeypatch.setattr(buckets.DiskBucket, "open", None)
    with pytest.raises(UnreadableFile, match="larger than"):
        arrivals.take(job.pk)


def test_s1_a_file_is_taken_when_nobody_has_written_to_it_for_a_while():
    campaign = make_campaign()
    key = drop(f"scored/{campaign.campaign_id}.1.txt", CONTENT[:-20], seconds_ago=1)
    assert arrivals.look() == []
    drop(key)
    (job,) = arrivals.look()
    assert arrivals.take(job.pk) is not None


def test_s1_a_file_that_changed_since_it_was_noted_is_an_arrival_of_its_own():
    campaign = make_campaign()
    key = drop(f"scored/{campaign.campaign_id}.1.txt", CONTENT[:-20])
    (early,) = arrivals.look()
    drop(key, seconds_ago=30)
    assert arrivals.take(early.pk) is None
    (whole,) = arrivals.look()
    assert arrivals.take(whole.pk) is not None
    assert ScoreFile.objects.count() == 1


def test_s1_an_arrival_that_is_gone_again_is_reported():
    campaign = make_campaign()
    key = drop(f"scored/{campaign.campaign_id}.1.txt")
    (job,) = arrivals.look()
    buckets.scoring().delete(key)
    with pytest.raises(NoSuchObject, match="no longer in the scoring bucket"):
        arrivals.take(job.pk)


def test_s1_a_worker_that_died_behind_the_reception_leaves_one_score_file():
    campaign = make_campaign()
    drop(f"scored/{campaign.campaign_id}.1.txt")
    (job,) = arrivals.look()
    taken = arrivals.take(job.pk)
    Job.objects.update(state=JobState.QUEUED)
    assert arrivals.take(job.pk) == taken
    assert ScoreFile.objects.count() == 1


def test_s4_a_new_list_is_read_at_once_and_its_entries_are_counted():
    drop(
        "blacklist/emails.txt",
        b"# none of these\nbad@mail.example\n@bad.example\n@*.spam.example # all of them\n",
    )
    (job,) = arrivals.look()
    assert arrivals.take(job.pk) is None
    job.refresh_from_db()
    assert (job.state, job.rows_in, job.rows_out) == (JobState.DONE, 3, 3)
    assert arrivals.look() == []
    drop("blacklist/emails.txt", b"@bad.example\n", seconds_ago=30)
    assert len(arrivals.look()) == 1


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("blacklist/emails.txt", b"@good.example\nmaria@private@mail.example\n"),
        ("blacklist/whitelist.txt", b"vip@mail.example\n@maria.private.example\n"),
        ("blacklist/emails.txt", b"\xff\xfe maria.private"),
    ],
)
def test_s4_a_list_that_cannot_be_read_alerts_at_once_and_quotes_no_address(key, content):
    drop(key, content)
    (job,) = arrivals.look()
    with pytest.raises(UnreadableList, match=key):
        arrivals.take(job.pk)
    (alert,) = Alert.objects.all()
    assert key in alert.text
    assert "private" not in alert.text
    assert arrivals.look() == []


def test_s15_a_name_that_is_not_utf8_holds_up_no_other(bucket_folders):
    FanList.objects.create(fanlist_id="club", campaign=make_campaign())
    drop("fanlist/uploaded/club/july.csv", b"global_user_id,rank,email\nfan-1,1,a@mail.example\n")
    july = bucket_folders / "scoring" / "fanlist" / "uploaded" / "club" / "july.csv"
    july.with_name(os.fsdecode(b"jun\xff.csv")).hardlink_to(july)
    assert [arrivals.arrival_of(job.pk).key for job in arrivals.look()] == [
        "fanlist/uploaded/club/july.csv",
        "fanlist/uploaded/club/jun\\udcff.csv",
    ]


def test_s1_a_name_that_is_longer_than_a_row_can_keep_is_noted_by_its_beginning(bucket_folders):
    folder = bucket_folders / "scoring" / "scored"
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"\xff" * 200)).write_bytes(CONTENT)
    os.utime(folder / os.fsdecode(b"\xff" * 200), (0, 0))
    (job,) = arrivals.look()
    assert len(arrivals.arrival_of(job.pk).key) == 1_024
    assert len(job.arguments["name"]) == 120
    assert arrivals.look() == []


def test_s1_a_folder_that_s3_lists_as_an_object_is_none():
    assert [arrivals.is_watched(key) for key in ("scored/", "scored/a")] == [False, True]


def test_s1_what_is_known_costs_a_look_no_attempt_to_write_it_down():
    drop("scored/README.md")
    arrivals.look()
    with CaptureQueriesContext(connection) as asked:
        assert arrivals.look() == []
    assert not [query["sql"] for query in asked if "INSERT" in query["sql"]]


def test_s1_an_upload_that_was_taken_in_and_removed_before_its_worker_died_is_taken_in():
    campaign = make_campaign()
    name = f"{campaign.campaign_id}.1.txt"
    file = io.BytesIO(CONTENT)
    arrival = browser_uploads.keep(campaign, name, file, by=keeper(), activate=True)
    job = browser_uploads.job_of(arrival)
    score_file = arrivals.take(job.pk)
    assert not buckets.scoring().exists(arrival.key)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
    assert arrivals.take(job.pk) == score_file


def test_s1_an_upload_that_is_too_large_is_refused_before_it_is_read(settings, monkeypatch):
    """On S3 reading is copying it to this machine."""
    campaign = make_campaign()
    name, file = f"{campaign.campaign_id}.1.txt", io.BytesIO(CONTENT)
    arrival = browser_uploads.keep(campaign, name, file, by=keeper(), activate=True)
    settings.UPLOAD_MAX_BYTES = len(CONTENT) - 1
    monkeypatch.setattr(DiskBucket, "open", lambda self, key: pytest.fail("it is read"))
    with pytest.raises(UnreadableFile, match="which is the limit"):
        arrivals.take(browser_uploads.job_of(arrival).pk)
    assert not buckets.scoring().exists(arrival.key)


def test_s4_the_alert_about_a_file_that_meets_a_bad_list_quotes_no_address():
    campaign = make_campaign()
    drop(f"scored/{campaign.campaign_id}.1.txt")
    (job,) = arrivals.look()
    drop("blacklist/emails.txt", b"maria@private@mail.example\n")
    with pytest.raises(ListEntryInvalid, match="line 1"):
        arrivals.take(job.pk)
    assert "private" not in Alert.objects.get().text


def test_s15_a_dropped_file_of_ranks_becomes_a_score_file_of_its_list():
    campaign = make_campaign()
    FanList.objects.create(fanlist_id="club", campaign=campaign)
    drop(
        "fanlist/uploaded/club/july.csv",
        b"global_user_id,rank,email\nfan-1,1,a@mail.example\nfan-2,2,b@mail.example\n",
    )
    (job,) = arrivals.look()
    score_file = arrivals.take(job.pk)
    assert score_file is not None
    assert (score_file.campaign, score_file.fanlist.fanlist_id) == (campaign, "club")
    assert arrivals.look() == []


def a_pause_later() -> None:
    """The pauses of failed jobs are over, and the sweep has come."""
    Job.objects.filter(retry_at__isnull=False).update(retry_at=Now())
    tasks.sweep()


def test_o6_a_dropped_file_that_met_a_bucket_that_was_away_is_taken_in_later(monkeypatch):
    drop(f"scored/{make_campaign().campaign_id}.1.txt")
    (job,) = arrivals.look()
    with monkeypatch.context() as patch:
        out_of_reach(patch, "scored/")
        with pytest.raises(BucketUnreachable):
            tasks.run_job(job.pk)
    assert arrivals.look() == []
    a_pause_later()
    tasks.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, ScoreFile.objects.get().state) == (JobState.DONE, "uploaded")


def test_s1_a_blacklist_that_is_out_of_reach_holds_a_dropped_file_up_only_for_a_while(monkeypatch):
    """It is not judged without the list, nor refused for good."""
    drop(f"scored/{make_campaign().campaign_id}.1.txt")
    (job,) = arrivals.look()
    with monkeypatch.context() as patch:
        out_of_reach(patch, "blacklist/")
        tasks.run_job(job.pk)
    assert "blacklist/emails.txt" in Job.objects.get().error
    a_pause_later()
    tasks.run_job(job.pk)
    assert ScoreFile.objects.get().state == "uploaded"


def lose_answers(patch: pytest.MonkeyPatch) -> None:
    """A bucket that keeps what it is given, and whose answer never arrives."""
    real = DiskBucket.writer

    @contextmanager
    def writer(bucket, key):
        with real(bucket, key) as out:
            yield out
        raise BucketUnreachable("S3 did not do it: the connection was closed")

    patch.setattr(DiskBucket, "writer", writer)


def test_s12_a_failed_score_file_whose_bytes_are_dropped_again_goes_on(monkeypatch):
    campaign = make_campaign()
    with monkeypatch.context() as patch:
        out_of_reach(patch, "received/")
        with pytest.raises(NotStored):
            receive_scores(campaign, CONTENT, name=f"{campaign.campaign_id}.1.txt")
    assert ScoreFile.objects.get().state == "failed"
    drop(f"scored/{campaign.campaign_id}.again.txt")
    (job,) = arrivals.look()
    tasks.run_job(job.pk)
    score_file = ScoreFile.objects.get()
    assert (score_file.state, score_file.error) == ("uploaded", "")
    tasks.run_job(Job.objects.get(kind="process_scores").pk)
    assert ScoreFile.objects.get().is_drawn


def test_s12_a_file_that_was_stored_though_the_answer_was_lost_has_not_failed(monkeypatch):
    with monkeypatch.context() as patch:
        lose_answers(patch)
        score_file = receive_scores(make_campaign(), CONTENT)
    assert (score_file.state, score_file.error) == ("uploaded", "")
    assert score_files.process(score_files.open_job(score_file, by=None).pk).is_drawn


def noted_objects() -> dict[str, list[str]]:
    return {"noted": [job.arguments["name"] for job in arrivals.look()]}


@pytest.mark.processes
def test_s1_processes_that_look_at_once_take_each_new_object_once():
    campaign = make_campaign()
    for number in range(20):
        drop(f"scored/{campaign.campaign_id}.{number}.txt", score_file_bytes([score_row(number)]))
    results = run_together(*[Process(noted_objects, held=True) for _ in range(4)])
    noted = [key for result in results for key in result["noted"]]
    assert len(noted) == len(set(noted)) == 20
    assert Job.objects.count() == Arrival.objects.count() == 20


def late_drop(key: str, content: bytes) -> tuple[Arrival, Job]:
    """A file of a campaign whose first file is drawn, dropped, looked at and refused."""
    drop(key, content)
    (job,) = arrivals.look()
    with pytest.raises(LateRefused, match="A person must take it in"):
        arrivals.take(job.pk)
    return Arrival.objects.get(pk=int(job.subject_id)), Job.objects.get(pk=job.pk)


@pytest.mark.parametrize("folder", ["scored", "fanlist"])
def test_s8_a_late_file_that_nobody_brought_waits_with_an_alert_until_a_person_takes_it_in(folder):
    campaign = make_campaign()
    process_scores(campaign)
    FanList.objects.create(fanlist_id="club", campaign=campaign)
    scores = (f"scored/{campaign.campaign_id}.2.txt", score_file_bytes([score_row(7)]))
    ranks = ("fanlist/uploaded/club/ranks.csv", ranks_of(3))
    arrival, job = late_drop(*(scores if folder == "scored" else ranks))
    assert job.state == JobState.FAILED
    assert arrival.key in Alert.objects.filter(text__contains="is late").get().text
    assert arrivals.waits_for_a_person(arrival, job)
    with pytest.raises(LateRefused):
        arrivals.take_late(arrival, by=staff("ann"), reason="the partner was slow")
    arrivals.take_late(arrival, by=keeper(), reason="the partner was slow")
    taken = arrivals.take(job.pk)
    assert (taken.late, taken.created_by, taken.attempt) == (True, keeper(), 2)
    change = LateChange.objects.get()
    assert (change.reason, change.by, change.moved) == ("the partner was slow", keeper(), None)
    done = score_files.process(score_files.open_job(taken, by=None).pk)
    change.refresh_from_db()
    assert change.moved == 3  # of the files of fans 1 and 2, and of fan 7 or fans 1 to 3
    campaign.refresh_from_db()
    assert campaign.active_score_file_id != done.pk


def test_s8_only_what_waits_for_a_person_is_taken_in_late():
    drop("scored/README.md")
    (job,) = arrivals.look()
    with pytest.raises(UnfitName):
        arrivals.take(job.pk)
    with pytest.raises(CannotTakeIn):
        arrivals.take_late(arrivals.arrival_of(job.pk), by=keeper(), reason="why not")
