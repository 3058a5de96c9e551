"""The two buckets: the only door to files and S3. Folders on disk by default, S3 through django-storages when configured.

Keys are relative paths with slashes. A file appears under its key whole or not at all; writing the same key again replaces it.
"""

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from django.core.files.storage import FileSystemStorage, storages

from datalake.errors import BadKey, NoSuchObject

PIECE = 1 << 20
LONGEST_KEY = 1024  # S3's limit, in bytes
_PART = re.compile(r"[^\x00-\x1f\x7f\\]{1,255}")


class Bucket(Protocol):
    """What the rest of the product knows of a bucket. Reading a key that is not there raises NoSuchObject; a bad key BadKey."""

    def put(self, key: str, content: bytes | BinaryIO) -> None: ...
    def writer(self, key: str) -> Any:
        """Context manager giving a binary file that is published under `key` if the block ends without an exception."""

    def open(self, key: str) -> BinaryIO: ...
    def exists(self, key: str) -> bool: ...
    def size(self, key: str) -> int: ...
    def sha256(self, key: str) -> str: ...
    def list(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Keys that begin with `prefix`, sorted, those greater than `after`; read in pages, so millions are no matter."""

    def copy(self, key: str, to: str) -> None: ...
    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""

    def url_or_path(self, key: str) -> str: ...


def scoring() -> Bucket:
    """The bucket of files that people and services exchange."""
    return _bucket("scoring")


def campaign_data() -> Bucket:
    """The bucket of the lake."""
    return _bucket("campaign-data")


def _bucket(alias: str) -> Bucket:
    storage = storages[alias]
    if isinstance(storage, FileSystemStorage):
        return DiskBucket(Path(storage.location))
    return S3Bucket(storage)


def checked_key(key: str) -> str:
    """The key itself. Raises BadKey if it is absolute, leaves the bucket, or holds what a bucket cannot name."""
    parts = key.split("/")
    named = all(_PART.fullmatch(part) and part not in {".", ".."} for part in parts)
    if not named or len(key.encode("utf-8", "replace")) > LONGEST_KEY:
        raise BadKey(f"{key[:80]!r} is no usable object key: relative, with names between slashes, none of them `.` or `..`.")
    return key


class DiskBucket:
    """A folder. Writing goes to a hidden temporary file beside the target, to the disk, and then in place by one rename."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, key: str) -> Path:
        return self.folder / checked_key(key)

    def _existing(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NoSuchObject(f"There is no file {key} in {self.folder.name}.")
        return path

    def put(self, key: str, content: bytes | BinaryIO) -> None:
        with self.writer(key) as out:
            if isinstance(content, bytes):
                out.write(content)
            else:
                shutil.copyfileobj(content, out, PIECE)

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with hidden.open("wb", buffering=PIECE) as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            hidden.replace(path)
        finally:
            hidden.unlink(missing_ok=True)
        _sync_folder(path.parent)

    def open(self, key: str) -> BinaryIO:
        return self._existing(key).open("rb", buffering=PIECE)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def size(self, key: str) -> int:
        return self._existing(key).stat().st_size

    def sha256(self, key: str) -> str:
        return _sha256(self.open(key))

    def list(self, prefix: str, *, after: str = "") -> Iterator[str]:
        above = prefix.rpartition("/")[0]
        start = self.folder / checked_key(above) if above else self.folder
        for key in _walk(start, f"{above}/" if above else ""):
            if key.startswith(prefix) and key > after:
                yield key

    def copy(self, key: str, to: str) -> None:
        with self.open(key) as source:
            self.put(to, source)

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def url_or_path(self, key: str) -> str:
        return str(self._path(key))


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    """Keys below a folder in the order of their text, as S3 lists them; hidden files are writes under way."""
    try:
        entries = [(entry.name + "/" if entry.is_dir() else entry.name) for entry in os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in sorted(entries):
        if name.endswith("/"):
            yield from _walk(folder / name, prefix + name)
        elif not name.startswith("."):
            yield prefix + name


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(source: BinaryIO) -> str:
    with source:
        return hashlib.file_digest(cast("BytesIO", source), "sha256").hexdigest()


class S3Bucket:
    """An S3 bucket, or a prefix of one, as django-storages is configured for it (its client, its bucket, its location)."""

    def __init__(self, storage: Any) -> None:
        self.bucket = storage.bucket
        self.client = storage.connection.meta.client
        self.location = f"{storage.location.strip('/')}/" if storage.location else ""

    def _name(self, key: str) -> str:
        return self.location + checked_key(key)

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            return dict(self.client.head_object(Bucket=self.bucket.name, Key=self._name(key)))
        except self.client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def _missing(self, key: str) -> NoSuchObject:
        return NoSuchObject(f"There is no object {key} in s3://{self.bucket.name}/{self.location}.")

    def put(self, key: str, content: bytes | BinaryIO) -> None:
        if isinstance(content, bytes):
            self.client.put_object(Bucket=self.bucket.name, Key=self._name(key), Body=content)
        else:
            self.client.upload_fileobj(content, self.bucket.name, self._name(key))

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
        copy = tempfile.TemporaryFile(buffering=PIECE)  # noqa: SIM115 the caller closes it
        self.client.download_fileobj(self.bucket.name, self._name(key), copy)
        copy.seek(0)
        return cast("BinaryIO", copy)

    def exists(self, key: str) -> bool:
        return self._head(key) is not None

    def size(self, key: str) -> int:
        head = self._head(key)
        if head is None:
            raise self._missing(key)
        return int(head["ContentLength"])

    def sha256(self, key: str) -> str:
        """Read from the bucket, not from what we sent: this is what copies are verified by. [L-5]"""
        if not self.exists(key):
            raise self._missing(key)
        body = self.client.get_object(Bucket=self.bucket.name, Key=self._name(key))["Body"]
        digest = hashlib.sha256()
        for piece in iter(partial(body.read, PIECE), b""):
            digest.update(piece)
        return digest.hexdigest()

    def list(self, prefix: str, *, after: str = "") -> Iterator[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket.name, Prefix=self.location + prefix, StartAfter=self.location + after if after else ""
        )
        for page in pages:
            for found in page.get("Contents", []):
                yield str(found["Key"]).removeprefix(self.location)

    def copy(self, key: str, to: str) -> None:
        if not self.exists(key):
            raise self._missing(key)
        self.client.copy({"Bucket": self.bucket.name, "Key": self._name(key)}, self.bucket.name, self._name(to))

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket.name, Key=self._name(key))

    def url_or_path(self, key: str) -> str:
        return f"s3://{self.bucket.name}/{self._name(key)}"
