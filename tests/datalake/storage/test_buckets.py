from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from datalake.errors import NoSuchObject
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket


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


def test_an_address_says_where_a_person_finds_the_file(bucket):
    assert bucket.url_or_path("a/b.txt").endswith("a/b.txt")


def test_o2_a_bucket_is_reachable_before_its_first_file_and_being_asked_writes_none(bucket):
    assert bucket.check_reachable() is None
    assert list(bucket.list("")) == []


def test_o2_a_folder_that_is_a_file_or_full_cannot_be_used(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Permission denied"):
        DiskBucket(tmp_path / "file").check_reachable()
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=0))
    with pytest.raises(OSError, match="No space left"):
        DiskBucket(tmp_path / "folder").check_reachable()


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


@pytest.mark.parametrize("read", ["open", "open_parts", "size", "sha256"])
def test_a_file_that_goes_after_it_was_seen_is_not_there(tmp_path, monkeypatch, read):
    """An archive deletes what a reader has just found: the reader looks for it anew."""
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    with pytest.raises(NoSuchObject, match="no file gone"):
        getattr(DiskBucket(tmp_path), read)("gone")
