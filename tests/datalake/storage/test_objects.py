"""Which keys an object can have, and what is known of one."""

from __future__ import annotations

import time

import pytest

from datalake.errors import BadKey


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
    before = time.time()
    bucket.put("a/1", b"one")
    bucket.put("b", b"other")
    (first,) = bucket.look("a/")
    assert (first.key, first.size, first) == ("a/1", 3, bucket.found("a/1"))
    assert before - 1 <= first.modified <= time.time() + 1  # S3 gives whole seconds
    bucket.put("a/1", b"two")
    (second,) = bucket.look("a/")
    assert second.version != first.version
    assert list(bucket.look("a/", after="a/1")) == []
    assert bucket.found("a") is None
    assert bucket.found("a/2") is None
