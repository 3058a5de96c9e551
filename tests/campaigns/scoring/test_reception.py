"""What stands in the bucket is what was hashed, and what is not stored is registered as failed.
[S-1, S-12]
"""

from __future__ import annotations

import io

import pytest

from campaigns.errors import NotStored, UnreadableFile
from campaigns.models import Campaign, ScoreFile
from campaigns.scoring import reception
from datalake.storage import buckets
from tests.support import cloud
from tests.support.campaigns import make_campaign, score_file_bytes, score_row

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
        told = real(seen)
        file.seek(0, io.SEEK_END)
        file.write(CONTENT)
        return told

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
        with pytest.raises(NotStored, match="did not keep"):
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

        def then_lose_the_bucket(*values):
            aws.s3.delete_bucket(Bucket=cloud.BUCKET)
            return real(*values)

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
