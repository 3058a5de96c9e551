"""Score files that another service drops into the scoring bucket are taken up by themselves. [S-1]"""

import pytest

from campaigns import dropped, tasks
from campaigns.errors import UnknownCampaign, UnreadableFile
from campaigns.models import ScoreFile
from datalake import storage
from operations.choices import JobState
from operations.models import Job
from tests.builders import make_campaign, process_scores, score_file_bytes, score_row

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = score_file_bytes([score_row(1), score_row(2)])


def drop(name: str, content: bytes = CONTENT) -> str:
    storage.scoring().put(f"scored/{name}", content)
    return f"scored/{name}"


def take(job: Job) -> ScoreFile | None:
    return dropped.take(job.pk, wait=lambda seconds: None)


def test_s1_a_dropped_file_becomes_a_score_file_of_the_campaign_it_is_named_for():
    campaign = make_campaign()
    key = drop(f"{campaign.campaign_id}.20260118.txt")
    (job,) = dropped.open_jobs()
    score_file = take(job)
    assert score_file is not None
    assert (score_file.campaign, score_file.key, score_file.timestamp, score_file.state) == (
        campaign,
        key,
        "20260118",
        "uploaded",
    )
    assert dropped.open_jobs() == []


def test_s1_what_was_uploaded_by_hand_and_what_is_no_score_file_is_left_alone():
    campaign = make_campaign()
    process_scores(campaign, name=f"{campaign.campaign_id}.1.txt")
    drop("README.md")
    drop(f"{campaign.campaign_id}.2.txt.part")
    assert dropped.open_jobs() == []


@pytest.mark.parametrize(("named", "content", "error"), [("nobody", CONTENT, UnknownCampaign), ("", b"x", UnreadableFile)])
def test_s1_a_file_that_cannot_be_taken_is_refused_once_and_its_job_says_why(named, content, error):
    campaign = make_campaign()
    drop(f"{named or campaign.campaign_id}.1.txt", content)
    (job,) = dropped.open_jobs()
    with pytest.raises(error):
        take(job)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert job.error
    assert dropped.open_jobs() == []
    assert not ScoreFile.objects.exists()


def test_s1_a_file_that_still_grows_is_taken_when_it_is_whole():
    campaign = make_campaign()
    name = f"{campaign.campaign_id}.1.txt"
    drop(name, CONTENT[:-20])
    (early,) = dropped.open_jobs()
    drop(name)
    assert take(early) is None
    (whole,) = dropped.open_jobs()
    assert take(whole) is not None


def test_s1_the_look_of_each_minute_rings_for_what_was_dropped_and_its_task_for_the_processing(monkeypatch):
    campaign = make_campaign()
    drop(f"{campaign.campaign_id}.1.txt")
    rung: list[Job] = []
    monkeypatch.setattr(tasks.tasks, "ring", rung.append)
    monkeypatch.setattr(tasks.time, "sleep", lambda seconds: None)
    tasks.look_for_dropped_files()
    tasks.run_dropped(rung[0].pk)
    assert [job.kind for job in rung] == ["take_dropped_file", "process_scores"]
