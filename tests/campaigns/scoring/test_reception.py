"""What stands in the bucket is what was hashed, and what is not stored is registered as failed.
[S-1, S-12]
"""

from __future__ import annotations

import io
import threading

import pytest
from django.db import connection

from campaigns.errors import (
    AlreadyProcessed,
    NoBlacklist,
    NotStored,
    UnreadableFile,
    WrongCampaign,
    WrongStatus,
)
from campaigns.models import Campaign, ListEntry, ScoreFile
from campaigns.opening import close_campaign
from campaigns.scoring import reception, score_files
from datalake.storage import buckets
from tests.support import cloud
from tests.support.campaigns import (
    in_memory,
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = score_file_bytes([score_row(1), score_row(2)])


def receive(campaign: Campaign, content: bytes = CONTENT) -> reception.Received:
    return reception.receive(campaign, "scores.txt", io.BytesIO(content), by=None)


def test_s1_the_limit_holds_for_every_way_in(settings):
    settings.UPLOAD_MAX_BYTES = len(CONTENT) - 1
    with pytest.raises(UnreadableFile, match="larger than"):
        receive(make_campaign())
    assert not ScoreFile.objects.exists()
    assert list(buckets.scoring().list("")) == []


def test_s1_a_file_that_grows_behind_its_checksum_fails_and_its_bytes_are_not_kept(monkeypatch):
    campaign, file = make_campaign(), io.BytesIO(CONTENT)
    real = reception.sha256_of

    def then_grow(seen):
        result = real(seen)
        file.seek(0, io.SEEK_END)
        file.write(CONTENT)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(reception, "sha256_of", then_grow)
        with pytest.raises(UnreadableFile, match="changed while it was read"):
            reception.receive(campaign, "scores.txt", file, by=None)
    failed = ScoreFile.objects.get()
    assert (failed.state, "changed while it was read" in failed.error) == ("failed", True)
    assert list(buckets.scoring().list("")) == []
    whole = reception.receive(campaign, "scores.txt", file, by=None)
    assert (whole.repeated, whole.score_file.attempt, whole.score_file.state) == (
        False,
        2,
        "uploaded",
    )


def test_s1_a_file_whose_bytes_change_behind_its_checksum_fails_and_its_bytes_are_not_kept(
    monkeypatch,
):
    campaign, file = make_campaign(), io.BytesIO(CONTENT)
    real, looks = reception.sha256_of, []

    def then_change(seen):
        looks.append(real(seen))
        file.seek(-2, io.SEEK_END)
        file.write(b"Z")
        return looks[-1]

    monkeypatch.setattr(reception, "sha256_of", then_change)
    with pytest.raises(UnreadableFile, match="changed while it was read"):
        reception.receive(campaign, "scores.txt", file, by=None)
    assert looks[0][1] == looks[1][1] == len(CONTENT)
    assert ScoreFile.objects.get().state == "failed"
    assert list(buckets.scoring().list("")) == []


def test_s1_a_bucket_that_keeps_other_bytes_is_found_out(monkeypatch):
    campaign = make_campaign()
    with monkeypatch.context() as patched:
        patched.setattr(buckets.DiskBucket, "sha256", lambda bucket, key: "0" * 64)
        with pytest.raises(NotStored, match="was not stored correctly"):
            receive(campaign)
    assert ScoreFile.objects.get().state == "failed"
    again = receive(campaign)
    assert again.repeated
    assert buckets.scoring().sha256(again.score_file.key) == again.score_file.sha256


def test_s1_a_bucket_that_goes_away_before_the_bytes_are_there_leaves_a_failed_file_that_can_come_again(
    settings, monkeypatch
):
    campaign = make_campaign()
    with cloud.running(settings, monkeypatch) as aws:
        real = reception._register

        def then_lose_the_bucket(*values, **options):
            aws.s3.delete_bucket(Bucket=cloud.BUCKET)
            return real(*values, **options)

        with monkeypatch.context() as patched:
            patched.setattr(reception, "_register", then_lose_the_bucket)
            with pytest.raises(NotStored, match="could not be stored"):
                receive(campaign)
        assert ScoreFile.objects.get().state == "failed"
        aws.s3.create_bucket(Bucket=cloud.BUCKET)
        again = receive(campaign)
        assert (again.repeated, buckets.scoring().size(again.score_file.key)) == (
            True,
            len(CONTENT),
        )


def test_s12_bytes_that_a_killed_reception_did_not_store_are_stored_when_they_come_again():
    campaign = make_campaign()
    first = receive(campaign)
    buckets.scoring().delete(first.score_file.key)
    again = receive(campaign)
    assert (again.repeated, again.score_file) == (True, first.score_file)
    assert buckets.scoring().sha256(again.score_file.key) == again.score_file.sha256


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (score_file_bytes(), "header but no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "first line"),
        (score_file_bytes([score_row()]).replace(b"sms", b"phone"), "is missing the column sms"),
        (score_file_bytes([score_row()], packed=True)[:30], "gzip"),
    ],
)
def test_a_file_that_cannot_be_taken_leaves_nothing_behind(content, says, bucket_folders):
    """[S-1]"""
    with pytest.raises(UnreadableFile, match=says):
        receive_scores(make_campaign(), content)
    assert not ScoreFile.objects.exists()
    assert not (bucket_folders / "scoring").exists()


def test_a_campaign_that_is_not_open_takes_no_file():
    """[C-2]"""
    with pytest.raises(WrongStatus, match="draft"):
        receive_scores(make_campaign(opened=False), score_file_bytes([score_row()]))
    closed = close_campaign(make_campaign().pk, by=None)
    with pytest.raises(WrongStatus, match="closed"):
        receive_scores(closed, score_file_bytes([score_row()]))


def test_a_file_named_for_another_campaign_is_refused():
    with pytest.raises(WrongCampaign, match="other"):
        receive_scores(make_campaign(), score_file_bytes([score_row()]), name="other.20260118.txt")


def test_files_lie_under_the_names_their_name_gives():
    """[S-1, S-11]"""
    campaign = make_campaign("12345")
    first = process_scores(campaign, score_file_bytes([score_row(1)]), name="12345.20260118.txt")
    second = process_scores(
        campaign, score_file_bytes([score_row(2)], packed=True), name="12345.20260118.txt.gz"
    )
    assert (first.key, first.scrubbed_key, first.rejected_key) == (
        "received/12345.20260118.txt",
        "scrubbed/12345.20260118.csv",
        "scrubbed/12345.20260118.rejected.csv",
    )
    assert second.key == "received/12345.20260118-2.txt.gz"
    assert (first.attempt, second.attempt) == (1, 2)
    assert all(
        buckets.scoring().exists(key)
        for key in (first.scrubbed_key, second.scrubbed_key, second.rejected_key)
    )


def test_a_made_up_name_never_takes_the_place_of_another_file():
    campaign = make_campaign("12345")
    names = ["12345.x.txt", "12345.x-3.txt", "12345.x.txt", "12345.x.txt"]
    files = [
        receive_scores(campaign, score_file_bytes([score_row(n)]), name=name)
        for n, name in enumerate(names)
    ]
    assert len({file.key for file in files}) == len(files)


def test_the_same_bytes_are_the_same_score_file():
    """[S-12]"""
    campaign, content = make_campaign(), messy()
    first = process_scores(campaign, content)
    again = score_files.receive(campaign, "another name", in_memory(content), by=None)
    assert again.repeated
    assert again.score_file == first
    assert ScoreFile.objects.count() == 1
    other = score_files.receive(make_campaign(), "scores", in_memory(content), by=None)
    assert not other.repeated


def test_s12_the_same_bytes_under_other_rules_are_a_new_attempt():
    campaign, content = make_campaign(), score_file_bytes([score_row(1), score_row(2)])
    first = process_scores(campaign, content)
    entry = ListEntry.objects.create(kind="blacklist", pattern="fan1@mail.example")
    second = process_scores(campaign, content)
    assert (first.attempt, first.accepted, second.attempt, second.accepted) == (1, 2, 2, 1)
    assert first.rules_digest != second.rules_digest
    assert receive_scores(campaign, content) == second
    entry.delete()
    assert receive_scores(campaign, content) == first


def test_s1_without_a_blacklist_nothing_is_taken_in_where_one_is_required(settings):
    campaign = make_campaign()
    settings.REQUIRE_BLACKLIST = True
    with pytest.raises(NoBlacklist):
        receive_scores(campaign, score_file_bytes([score_row(1)]))
    assert not ScoreFile.objects.exists()


def test_s12_bytes_whose_rules_are_as_before_again_are_not_processed_twice():
    campaign, content = make_campaign(), score_file_bytes([score_row(1), score_row(2)])
    first = process_scores(campaign, content)
    entry = ListEntry.objects.create(kind="blacklist", pattern="fan1@mail.example")
    second = receive_scores(campaign, content)
    entry.delete()
    with pytest.raises(AlreadyProcessed, match="as attempt 1"):
        score_files.process(score_files.open_job(second, by=None).pk)
    assert ScoreFile.objects.get(pk=second.pk).state == "failed"
    assert receive_scores(campaign, content) == first


def test_the_same_bytes_twice_at_once_are_one_score_file(monkeypatch):
    """[S-12] Both uploads look before either is entered; the constraint decides."""
    from campaigns.scoring import reception

    campaign, content, meeting = make_campaign(), messy(), threading.Barrier(2)
    looked = threading.local()
    same_bytes = reception._same_bytes

    def look_together(*arguments):
        found = same_bytes(*arguments)
        if not getattr(looked, "once", False):
            looked.once = True
            meeting.wait(10)
        return found

    monkeypatch.setattr(reception, "_same_bytes", look_together)
    results = []

    def upload() -> None:
        try:
            results.append(score_files.receive(campaign, "scores", in_memory(content), by=None))
        finally:
            connection.close()

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.repeated for result in results) == [False, True]
    assert ScoreFile.objects.count() == 1
