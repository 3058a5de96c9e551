"""A bucket on S3."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from datalake.errors import NoSuchObject
from datalake.storage import buckets
from datalake.storage.objects import BucketUnreachable
from datalake.storage.s3 import found_in


def test_only_s3_signs_forms_for_browsers_and_knows_its_objects_by_other_names(bucket):
    form = bucket.upload_form("a/b", most_bytes=10, seconds=60)
    if isinstance(bucket, buckets.DiskBucket):
        assert (form, bucket.key_of("lake", "a/b")) == (None, None)
    else:
        assert form.fields["key"] == bucket.location + "a/b"
        assert bucket.key_of("lake", bucket.location + "a/b") == "a/b"
        assert bucket.key_of("other", bucket.location + "a/b") is None


def test_a_bucket_that_went_away_is_an_error_of_the_disk_to_the_product(bucket):
    if isinstance(bucket, buckets.DiskBucket):
        bucket.folder.mkdir(exist_ok=True)
        bucket.folder.joinpath("a").write_bytes(b"a file where a folder should be")
        with pytest.raises(OSError):
            bucket.put("a/b", b"")
        return
    bucket.bucket.delete()
    for call in (
        lambda: bucket.put("a", b""),
        lambda: list(bucket.list("")),
        lambda: bucket.put("a", io.BytesIO(b"x")),
    ):
        with pytest.raises(BucketUnreachable, match="S3 did not do it"):
            call()


def test_a_bucket_says_whether_it_keeps_what_is_replaced(bucket):
    """[X-11]"""
    assert bucket.keeps_versions() is False
    if isinstance(bucket, buckets.DiskBucket):
        return
    for status in ("Enabled", "Suspended"):
        bucket.client.put_bucket_versioning(
            Bucket="lake", VersioningConfiguration={"Status": status}
        )
        assert bucket.keeps_versions() is True


def test_a_bucket_that_may_not_be_asked_for_versions_says_nothing(bucket, monkeypatch):
    if isinstance(bucket, buckets.DiskBucket):
        return

    def refused(code):
        def ask(**options):
            raise ClientError(
                {"Error": {}, "ResponseMetadata": {"HTTPStatusCode": code}}, "GetBucketVersioning"
            )

        return ask

    monkeypatch.setattr(bucket.client, "get_bucket_versioning", refused(403))
    assert bucket.keeps_versions() is None
    monkeypatch.setattr(bucket.client, "get_bucket_versioning", refused(500))
    with pytest.raises(BucketUnreachable):
        bucket.keeps_versions()


def test_the_same_bytes_put_back_later_are_another_version(bucket):
    """[S-1] An ETag names bytes only; a listing and a single answer give a date as finely as each
    can, and agree.
    """
    bucket.put("a", b"x")
    assert bucket.found("a").version == next(bucket.look("a")).version
    first, later = datetime(2026, 1, 18, 12, tzinfo=UTC), datetime(2026, 1, 18, 12, 5, tzinfo=UTC)
    versions = [
        found_in("a", 1, {"ETag": "e", "LastModified": modified}).version
        for modified in (first, first + timedelta(milliseconds=700), later)
    ]
    assert versions[0] == versions[1] != versions[2]


LARGE = b"y" * (9 << 20)


def test_what_is_put_has_a_checksum_that_s3_compares_a_large_file_one_for_each_part(bucket):
    if isinstance(bucket, buckets.DiskBucket) or not bucket.location:
        return
    sums: list[bytes] = []

    def note(request, **_):
        if request.method == "PUT":
            sums.append(request.headers.get("x-amz-checksum-crc32", b""))

    bucket.client.meta.events.register("before-send.s3", note)
    bucket.put("small", b"x")
    with bucket.writer("large") as out:
        out.write(LARGE)
    assert len(sums) == 3
    assert all(sums)
    assert bucket.sha256("large") == hashlib.sha256(LARGE).hexdigest()
    bucket.copy("large", "copy")
    assert bucket.sha256("copy") == hashlib.sha256(LARGE).hexdigest()


def test_of_a_large_file_whose_upload_breaks_off_nothing_is_there_and_no_part_stays(
    bucket, monkeypatch
):
    if isinstance(bucket, buckets.DiskBucket) or not bucket.location:
        return

    def refused(**options):
        raise ClientError({"Error": {"Code": "SlowDown"}}, "UploadPart")

    monkeypatch.setattr(bucket.client, "upload_part", refused)
    with pytest.raises(BucketUnreachable, match="SlowDown"), bucket.writer("large") as out:
        out.write(LARGE)
    assert not bucket.exists("large")
    assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket="lake")


@pytest.mark.parametrize(
    "read",
    [
        lambda bucket: bucket.open("gone"),
        lambda bucket: bucket.open_parts("gone").read(1),
        lambda bucket: bucket.sha256("gone"),
        lambda bucket: bucket.copy("gone", "there"),
    ],
)
def test_an_object_that_goes_after_it_was_seen_is_not_there(bucket, monkeypatch, read):
    """An archive deletes what a reader has just found: the reader looks for it anew."""
    monkeypatch.setattr(bucket, "exists", lambda key: True)
    monkeypatch.setattr(bucket, "size", lambda key: 10)
    with pytest.raises(NoSuchObject, match=r"There is no (object|file) gone"):
        read(bucket)
