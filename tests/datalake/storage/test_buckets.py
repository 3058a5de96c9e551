from __future__ import annotations

import hashlib
import io
import time

import boto3
import pytest
from botocore.exceptions import ClientError
from django.core.files.storage import storages
from moto import mock_aws

from datalake.errors import BadKey, NoSuchObject
from datalake.storage import buckets
from datalake.storage.objects import BucketUnreachable


@pytest.fixture(params=["disk", "s3", "s3 with a prefix"])
def bucket(request, settings, monkeypatch):
    """The same promises on a folder and on S3."""
    if request.param == "disk":
        yield buckets.campaign_data()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        options = {
            "bucket_name": "lake",
            "location": "some/prefix" if "prefix" in request.param else "",
        }
        settings.STORAGES = settings.STORAGES | {
            "campaign-data": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        }
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        yield buckets.campaign_data()


def content(bucket, key):
    with bucket.open(key) as source:
        return source.read()


def test_what_is_put_is_there(bucket):
    bucket.put("a/b.txt", b"one")
    bucket.put("a/c.txt", io.BytesIO(b"two"))
    assert (content(bucket, "a/b.txt"), content(bucket, "a/c.txt")) == (b"one", b"two")
    assert bucket.exists("a/b.txt")
    assert bucket.size("a/c.txt") == 3
    assert bucket.sha256("a/b.txt") == hashlib.sha256(b"one").hexdigest()


def test_putting_a_key_again_replaces_it(bucket):
    bucket.put("a", b"one")
    bucket.put("a", b"two")
    assert content(bucket, "a") == b"two"


def test_a_written_file_appears_when_it_is_whole(bucket):
    with bucket.writer("a/b") as out:
        out.write(b"half")
        assert not bucket.exists("a/b")
        assert list(bucket.list("")) == []
        out.write(b" whole")
    assert content(bucket, "a/b") == b"half whole"


def test_a_write_that_fails_leaves_what_was_there(bucket):
    bucket.put("a", b"old")

    def fail():
        with bucket.writer("a") as out:
            out.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert content(bucket, "a") == b"old"
    assert list(bucket.list("")) == ["a"]


def test_keys_are_listed_by_prefix_in_order_from_where_one_left_off(bucket):
    keys = ["a/1", "a/10", "a/2/x", "a-b", "ab", "b"]
    for key in keys:
        bucket.put(key, b"")
    assert list(bucket.list("")) == sorted(keys)
    assert list(bucket.list("a/")) == ["a/1", "a/10", "a/2/x"]
    assert list(bucket.list("a/1")) == ["a/1", "a/10"]
    assert list(bucket.list("a/", after="a/1")) == ["a/10", "a/2/x"]
    assert list(bucket.list("nothing/here")) == []


def test_a_copy_is_the_same(bucket):
    bucket.put("a", b"one")
    bucket.copy("a", "x/y")
    assert content(bucket, "x/y") == b"one"
    assert bucket.exists("a")


def test_deleting_twice_is_no_error(bucket):
    bucket.put("a", b"one")
    bucket.delete("a")
    bucket.delete("a")
    assert not bucket.exists("a")


@pytest.mark.parametrize("call", ["open", "size", "sha256"])
def test_reading_what_is_not_there_is_refused_by_name(bucket, call):
    with pytest.raises(NoSuchObject, match="a/b"):
        getattr(bucket, call)("a/b")
    with pytest.raises(NoSuchObject):
        bucket.copy("a/b", "c")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        "a/./b",
        "a/",
        "a\x00b",
        "a\nb",
        "a\\b",
        "x" * 2_000,
    ],
)
def test_keys_that_could_leave_the_bucket_are_refused(bucket, key):
    for call in (
        bucket.open,
        bucket.exists,
        bucket.size,
        bucket.delete,
        bucket.url_or_path,
        lambda bad: bucket.put(bad, b""),
    ):
        with pytest.raises(BadKey):
            call(key)


def test_a_look_tells_each_version_of_an_object_from_the_one_before(bucket):
    bucket.put("a/1", b"one")
    bucket.put("b", b"other")
    (first,) = bucket.look("a/")
    assert (first.key, first.size, first) == ("a/1", 3, bucket.found("a/1"))
    assert abs(first.modified - time.time()) < 60
    bucket.put("a/1", b"two")
    (second,) = bucket.look("a/")
    assert second.version != first.version
    assert list(bucket.look("a/", after="a/1")) == []
    assert bucket.found("a") is None
    assert bucket.found("a/2") is None


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


def test_an_address_says_where_a_person_finds_the_file(bucket):
    assert bucket.url_or_path("a/b.txt").endswith("a/b.txt")


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


def test_what_a_killed_process_left_half_written_can_be_deleted_and_a_write_under_way_stays(
    tmp_path,
):
    bucket = buckets.DiskBucket(tmp_path)
    bucket.put("a/whole", b"whole")
    for folder in ("a", "a/b", "c"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / ".0123456789abcdef.part").write_bytes(b"half")
    with bucket.writer("a/new") as out:
        out.write(b"new")
        assert bucket.delete_unfinished("a") == 2
        assert bucket.delete_unfinished("a") == 0
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        ".0123456789abcdef.part",
        "new",
        "whole",
    ]
    assert content(bucket, "a/new") == b"new"


def test_of_a_folder_that_is_not_there_nothing_is_deleted(bucket):
    assert bucket.delete_unfinished("nowhere") == 0
