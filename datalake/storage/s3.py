"""A bucket on S3. What is not there is NoSuchObject, all else BucketUnreachable."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, BinaryIO, cast

from datalake.aws.errors import NOT_FOUND, object_error, passing_over, translated
from datalake.errors import NoSuchObject
from datalake.storage.objects import BucketUnreachable, Found, UploadForm, checked_key
from datalake.storage.parts import read_in_parts

PIECE = 1 << 20
_AWAY = (BucketUnreachable, "S3 did not do it")
_translated = partial(translated, *_AWAY)


class S3Bucket:
    """An S3 bucket, or a prefix of one, as django-storages is configured for it (its client, its
    bucket, its location).
    """

    def __init__(self, storage: Any) -> None:
        self.bucket = storage.bucket
        self.client = storage.connection.meta.client
        self.location = f"{storage.location.strip('/')}/" if storage.location else ""

    def _name(self, key: str) -> str:
        return self.location + checked_key(key)

    def key_of(self, bucket: str, name: str) -> str | None:
        """Our key of what S3 calls `name` in `bucket`; None if it does not lie in this bucket or
        below its prefix.
        """
        ours = bucket == self.bucket.name and name.startswith(self.location)
        return name.removeprefix(self.location) if ours else None

    def _head(self, key: str) -> dict[str, Any] | None:
        name = self._name(key)
        with _translated(), passing_over(NOT_FOUND):
            return dict(self.client.head_object(Bucket=self.bucket.name, Key=name))
        return None

    def _missing(self, key: str) -> NoSuchObject:
        return NoSuchObject(f"There is no object {key} in s3://{self.bucket.name}/{self.location}.")

    def _reading(self, key: str) -> AbstractContextManager[None]:
        """An object may go after it was seen: its absence is NoSuchObject then, too."""
        return _translated(sort=partial(object_error, self._missing(key), *_AWAY))

    def put(self, key: str, content: bytes | BinaryIO) -> None:
        name = self._name(key)
        with _translated():
            if isinstance(content, bytes):
                self.client.put_object(Bucket=self.bucket.name, Key=name, Body=content)
            else:
                self.client.upload_fileobj(content, self.bucket.name, name)

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        checked_key(key)
        with tempfile.TemporaryFile(buffering=PIECE) as out:
            yield cast("BinaryIO", out)
            out.seek(0)
            self.put(key, cast("BinaryIO", out))

    def open(self, key: str) -> BinaryIO:
        """A local copy, removed when closed: readers seek and read in small steps."""
        if not self.exists(key):
            raise self._missing(key)
        with ExitStack() as on_failure:
            copy = on_failure.enter_context(tempfile.TemporaryFile(buffering=PIECE))
            with self._reading(key):
                self.client.download_fileobj(self.bucket.name, self._name(key), copy)
            copy.seek(0)
            on_failure.pop_all()  # the caller closes it
        return cast("BinaryIO", copy)

    def open_parts(self, key: str) -> BinaryIO:
        return read_in_parts(self.size(key), partial(self._part, key))

    def _part(self, key: str, start: int, end: int) -> bytes:
        name = self._name(key)
        with self._reading(key):
            asked = {"Bucket": self.bucket.name, "Key": name, "Range": f"bytes={start}-{end - 1}"}
            return bytes(self.client.get_object(**asked)["Body"].read())

    def exists(self, key: str) -> bool:
        return self._head(key) is not None

    def size(self, key: str) -> int:
        head = self._head(key)
        if head is None:
            raise self._missing(key)
        return int(head["ContentLength"])

    def found(self, key: str) -> Found | None:
        head = self._head(key)
        if head is None:
            return None
        return found_in(key, int(head["ContentLength"]), head)

    def sha256(self, key: str) -> str:
        """Read from the bucket, not from what we sent: this is what copies are verified by.
        [L-5]
        """
        if not self.exists(key):
            raise self._missing(key)
        digest = hashlib.sha256()
        with self._reading(key):
            body = self.client.get_object(Bucket=self.bucket.name, Key=self._name(key))["Body"]
            for piece in iter(partial(body.read, PIECE), b""):
                digest.update(piece)
        return digest.hexdigest()

    def list(self, prefix: str, *, after: str = "") -> Iterator[str]:
        return (found.key for found in self.look(prefix, after=after))

    def look(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket.name,
            Prefix=self.location + prefix,
            StartAfter=self.location + after if after else "",
        )
        with _translated():
            for page in pages:
                for each in page.get("Contents", []):
                    key = str(each["Key"]).removeprefix(self.location)
                    yield found_in(key, int(each["Size"]), each)

    def copy(self, key: str, to: str) -> None:
        if not self.exists(key):
            raise self._missing(key)
        with self._reading(key):
            self.client.copy(
                {"Bucket": self.bucket.name, "Key": self._name(key)},
                self.bucket.name,
                self._name(to),
            )

    def delete(self, key: str) -> None:
        name = self._name(key)
        with _translated():
            self.client.delete_object(Bucket=self.bucket.name, Key=name)

    def delete_unfinished(self, prefix: str) -> int:
        """An object appears whole or not at all; parts of a broken upload end by the bucket's
        rules.
        """
        return 0

    def check_reachable(self) -> None:
        """By a listing, which the role may make: whether it may write is known when it does."""
        with _translated():
            self.client.list_objects_v2(Bucket=self.bucket.name, Prefix=self.location, MaxKeys=1)

    def keeps_versions(self) -> bool | None:
        """Also one that has stopped to: it keeps those it has."""
        with _translated(), passing_over(403):
            return "Status" in self.client.get_bucket_versioning(Bucket=self.bucket.name)
        return None

    def place(self, key: str) -> tuple[str, str]:
        return self.bucket.name, self._name(key)

    def url_or_path(self, key: str) -> str:
        return f"s3://{self.bucket.name}/{self._name(key)}"

    def upload_form(self, key: str, *, most_bytes: int, seconds: int) -> UploadForm:
        """A presigned form: whoever holds it can put one file under this key, no larger, for so
        long.
        """
        name = self._name(key)
        with _translated():
            signed = self.client.generate_presigned_post(
                self.bucket.name,
                name,
                Conditions=[["content-length-range", 1, most_bytes]],
                ExpiresIn=seconds,
            )
        return UploadForm(str(signed["url"]), dict(signed["fields"]))


def found_in(key: str, size: int, answer: Mapping[str, Any]) -> Found:
    """An ETag alone names the bytes: bytes that came back after others are a version of their own.
    A listing knows the time to the millisecond, a single answer to the second.
    """
    modified = answer["LastModified"].timestamp()
    return Found(key, size, f"{answer['ETag']} {int(modified)}", modified)
