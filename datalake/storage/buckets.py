"""The two buckets: the only door to files and S3. Folders on disk by default, S3 through
django-storages when configured.

Keys are relative paths with slashes. A file appears under its key whole or not at all; writing the
same key again replaces it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from django.core.files.storage import FileSystemStorage, storages

from datalake.errors import NoSuchObject
from datalake.storage.objects import Found, UploadForm, checked_key

PIECE = 1 << 20
UNFINISHED = ".part"
FolderId = tuple[int, int]  # device and inode


class Bucket(Protocol):
    """What the rest of the product knows of a bucket. Reading a key that is not there raises
    NoSuchObject; a bad key BadKey; a disk or service that does not do its part an OSError.
    """

    def put(self, key: str, content: bytes | BinaryIO) -> None: ...
    def writer(self, key: str) -> Any:
        """Context manager giving a binary file that is published under `key` if the block ends
        without an exception.
        """

    def open(self, key: str) -> BinaryIO: ...
    def open_parts(self, key: str) -> BinaryIO:
        """As `open`, for who reads a few parts of a large object: nothing else is fetched."""

    def exists(self, key: str) -> bool: ...
    def size(self, key: str) -> int: ...
    def sha256(self, key: str) -> str: ...
    def list(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Keys that begin with `prefix`, sorted, those greater than `after`; read in pages, so
        millions are no matter.
        """

    def look(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        """As `list`, with the version of each object."""

    def found(self, key: str) -> Found | None: ...
    def key_of(self, bucket: str, name: str) -> str | None:
        """Our key of what S3 calls `name` in its bucket `bucket`; None for what is not ours."""

    def copy(self, key: str, to: str) -> None: ...
    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""

    def delete_unfinished(self, prefix: str) -> int:
        """Delete what killed processes left half written below a folder, and say how many; writes
        under way stay.
        """

    def check_reachable(self) -> None:
        """Raises OSError unless the bucket responds and takes files, as far as that can be said
        without writing one.
        """

    def keeps_versions(self) -> bool | None:
        """Whether what is replaced or deleted is kept as an older version; None if we may not
        ask.
        """

    def url_or_path(self, key: str) -> str: ...
    def place(self, key: str) -> tuple[str, str]:
        """The bucket's own name, and the whole key in it, its prefix included."""

    def upload_form(self, key: str, *, most_bytes: int, seconds: int) -> UploadForm | None:
        """A form by which a browser puts one file under `key` without us; None where files come
        through us.
        """


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
    from datalake.storage.s3 import S3Bucket  # boto3 is not loaded where the buckets are folders

    return S3Bucket(storage)


class DiskBucket:
    """A folder. Writing goes to a hidden temporary file beside the target, to the disk, and then in
    place by one rename.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, key: str) -> Path:
        return self.folder / checked_key(key)

    def _missing(self, key: str) -> NoSuchObject:
        return NoSuchObject(f"There is no file {key} in {self.folder.name}.")

    def _existing(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise self._missing(key)
        return path

    def _opened(self, key: str, buffering: int = -1) -> BinaryIO:
        """A file may go after it was seen."""
        try:
            return self._existing(key).open("rb", buffering=buffering)
        except FileNotFoundError:
            raise self._missing(key) from None

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
        hidden = path.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
        try:
            with hidden.open("wb", buffering=PIECE) as out:
                # a file system without locks: then unfinished files cannot be recognized, and stay
                with suppress(OSError):
                    fcntl.flock(out, fcntl.LOCK_EX)
                yield out
                out.flush()
                os.fsync(out.fileno())
                hidden.replace(path)
        finally:
            hidden.unlink(missing_ok=True)
        _sync_folder(path.parent)

    def open(self, key: str) -> BinaryIO:
        return self._opened(key, PIECE)

    def open_parts(self, key: str) -> BinaryIO:
        return self._opened(key)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def size(self, key: str) -> int:
        try:
            return self._existing(key).stat().st_size
        except FileNotFoundError:
            raise self._missing(key) from None

    def sha256(self, key: str) -> str:
        return _sha256(self.open(key))

    def list(self, prefix: str, *, after: str = "") -> Iterator[str]:
        above = prefix.rpartition("/")[0]
        start = self.folder / checked_key(above) if above else self.folder
        for key in _walk(start, f"{above}/" if above else ""):
            if key.startswith(prefix) and key > after:
                yield key

    def look(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        keys = self.list(prefix, after=after)
        each = (_found(key, self.folder / key) or _bad_link(key, self.folder / key) for key in keys)
        return (found for found in each if found is not None)

    def found(self, key: str) -> Found | None:
        return _found(key, self._path(key))

    def key_of(self, bucket: str, name: str) -> str | None:
        return None

    def copy(self, key: str, to: str) -> None:
        with self.open(key) as source:
            self.put(to, source)

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def delete_unfinished(self, prefix: str) -> int:
        """A writer holds the lock of its file until it is in place; the system takes it from one
        that is dead.
        """
        return sum(
            _deleted_unless_locked(path)
            for path in list(self._path(prefix).rglob(f".*{UNFINISHED}"))
        )

    def check_reachable(self) -> None:
        """The folder, or where it will be made by the first file."""
        folder = next(each for each in (self.folder, *self.folder.parents) if each.exists())
        if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        if not os.statvfs(folder).f_bavail:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    def keeps_versions(self) -> bool | None:
        return False

    def url_or_path(self, key: str) -> str:
        return str(self._path(key))

    def place(self, key: str) -> tuple[str, str]:
        return self.folder.name, checked_key(key)

    def upload_form(self, key: str, *, most_bytes: int, seconds: int) -> UploadForm | None:
        return None


def _found(key: str, path: Path) -> Found | None:
    """A file's version is when it was last written to, to the nanosecond, and its size.

    Its time may be set to any, also to one that is yet to come; when it was set, may not.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise
    if not stat.S_ISREG(status.st_mode):
        return None
    modified = min(status.st_mtime, status.st_ctime)
    return Found(key, status.st_size, f"{status.st_mtime_ns}-{status.st_size}", modified)


def _bad_link(key: str, path: Path) -> Found | None:
    """A link that leads nowhere, or back to a folder that it is in, as the object that it is."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(status.st_mode):
        return None
    return Found(key, 0, f"{status.st_mtime_ns}-link", status.st_mtime)


def _walk(folder: Path, prefix: str, above: frozenset[FolderId] = frozenset()) -> Iterator[str]:
    """Keys below a folder in the order of their text, as S3 lists them; hidden files are writes
    under way. A link back to a folder that it is in is a key itself, or there would be no end.
    """
    try:
        status = folder.stat()
        above |= {(status.st_dev, status.st_ino)}
        entries = [
            f"{entry.name}/" if _leads_further(entry, above) else entry.name
            for entry in os.scandir(folder)
        ]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in sorted(entries):
        if name.endswith("/"):
            yield from _walk(folder / name, prefix + name, above)
        elif not name.startswith("."):
            yield prefix + name


def _leads_further(entry: os.DirEntry[str], above: frozenset[FolderId]) -> bool:
    """Whether it is a folder, and none that we are in already."""
    if not entry.is_symlink():
        return entry.is_dir()
    try:
        status = entry.stat()
    except OSError:  # it leads nowhere, or to itself
        return False
    return stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) not in above


def _deleted_unless_locked(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as found:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return True
    return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(source: BinaryIO) -> str:
    with source:
        return hashlib.file_digest(cast("BytesIO", source), "sha256").hexdigest()
