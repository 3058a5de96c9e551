"""A fan is taken out of the files in the scoring bucket, whatever put them there: every object is
looked into, for nothing says whose lines it has. [X-11]

An object appears under its key whole or not at all, so a killed erasure starts again with the next
one. What the proof of a draw is made of names references and no fan, and stays as it is.
"""

from __future__ import annotations

import codecs
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Any, BinaryIO, Final, cast

import polars as pl

from campaigns.formats import fan_lines
from campaigns.models import Arrival, Campaign, FanList, RankFile, RegistrationImport, ScoreFile
from campaigns.scoring.forgetting import note_kept
from datalake.avro import container
from datalake.erased.erasing import FILE, GONE, Left, Place, Sought, Touch
from datalake.erased.names import name_of
from datalake.errors import NoSuchObject, NotAvro
from datalake.storage import buckets
from datalake.storage.rewriting import sha256_of
from datalake.storage.unpacking import GZIP_MAGIC, UNREADABLE, packed, unpacked
from operations.entry.trimming import trim
from waves.erasure.files import new_keys

AREA: Final = "scoring bucket"
PIECE: Final = 1 << 20
# References and lists; events that wait are the demand archive's.
PASSED_OVER: Final = ("proofs/", "rosters/", "blacklist/", "demand/")
WATCHED: Final = ("scored/", "fanlist/uploaded/")
MANIFEST: Final = "manifest.json"
DAMAGED: Final = (zipfile.BadZipFile, pl.exceptions.PolarsError, NotAvro, *UNREADABLE)
ZIP, PARQUET = b"PK\x03\x04", b"PAR1"


def erase_objects(
    sought: Sought,
    touch: Touch,
    report_progress: Callable[[int, int], object] = lambda done, total: None,
) -> Iterator[Left]:
    """Take the fan out of every object. Raises OSError while the bucket is down."""
    bucket = buckets.scoring()
    names = _Names(sought)
    new = _NewFiles(sought)
    keys = [key for key in bucket.list("") if not key.startswith(PASSED_OVER) and key not in new]
    waiting = kept = unread = 0
    for done, key in enumerate(keys):
        report_progress(done, len(keys))
        try:
            if not _holds(key, sought):
                continue
            if key.startswith(WATCHED) and not key.endswith(MANIFEST):
                waiting += not _delete_taken(key, touch)
                continue
            kept += not _replace(key, sought, names.of(key), touch)
        except NoSuchObject:  # its owner has taken it away since
            continue
        except DAMAGED:
            unread += 1
    if waiting:
        yield Left(
            "files that wait to be processed",
            waiting,
            "their rows of the fan are counted as erased when they are processed; delete those"
            " that nobody will process",
        )
    if kept:
        yield Left(
            "Avro files that were not imported",
            kept,
            "nothing else has the registrations in them. When one is imported, the fan's rows are"
            " counted as erased, and the file is deleted. Import them, or delete them",
        )
    if unread:
        yield Left("files that cannot be read", unread, "they are damaged; delete them")
    if (versions := bucket.keeps_versions()) is not False:
        why = "kept by the bucket's versioning" if versions else "the bucket may keep versions"
        yield Left("older versions of replaced files", None, why)


class _NewFiles:
    """Files of what came or was made after the erasure was asked for: they have the fan only if
    they had registered again.
    """

    def __init__(self, sought: Sought) -> None:
        self._keys = {*new_keys(sought)}
        if sought.asked_for is None:
            return
        scored = ScoreFile.objects.filter(rules_fixed_at__gt=sought.asked_for)
        ranks = RankFile.objects.filter(score_file__in=scored)
        imported = RegistrationImport.objects.filter(created_at__gt=sought.asked_for, finished=True)
        for found, names in (
            (scored, ("key", "scrubbed_key", "rejected_key")),
            (imported, ("key", "rejected_key")),
            (ranks, ("key",)),
        ):
            self._keys |= {key for keys in found.values_list(*names) for key in keys}

    def __contains__(self, key: str) -> bool:
        return key in self._keys


class _Names:
    """What stands for the fan in the files of a campaign, which their keys name."""

    def __init__(self, sought: Sought) -> None:
        campaigns = Campaign.objects.values_list("campaign_id", flat=True)
        self._names = {each: name_of(each, sought.fan_id, sought.number) for each in campaigns}
        lists = FanList.objects.values_list("fanlist_id", "campaign__campaign_id")
        self._names |= {fanlist: self._names[campaign] for fanlist, campaign in lists}

    def of(self, key: str) -> str:
        words = re.split(r"[/._]", key)
        return next((self._names[word] for word in words if word in self._names), GONE)


def _delete_taken(key: str, touch: Touch) -> bool:
    """Delete an object of a folder that is watched, of which a copy was processed: written anew, it
    would be processed again. False for one that was not processed yet.
    """
    bucket = buckets.scoring()
    found = bucket.found(key)
    taken = Arrival.objects.filter(key=key, score_file__isnull=False)
    if found is None or not taken.filter(version__startswith=found.version).exists():
        return found is None
    touch(Place(AREA, FILE, key, 1))
    bucket.delete(key)
    return True


def _holds(key: str, sought: Sought) -> bool:
    """Whether the object may hold the fan, read piece by piece."""
    with buckets.scoring().open(key) as source:
        first = _first(source)
        if first in (ZIP, PARQUET, container.MAGIC) or first.startswith(GZIP_MAGIC):
            return True
        return _found_in(iter(lambda: source.read(PIECE), b""), sought)


def _found_in(pieces: Iterable[bytes], sought: Sought) -> bool:
    words = [each.lower() for each in (sought.fan_id, *sought.contacts)]
    overlap = max(map(len, words))
    rest = ""
    for piece in codecs.iterdecode(pieces, "utf-8", "surrogateescape"):
        text = rest + piece.lower()
        if any(word in text for word in words):
            return True
        rest = text[-overlap:]
    return False


def _replace(key: str, sought: Sought, name: str, touch: Touch) -> bool:
    """Line by line by way of a file without a name: an upload has gigabytes. False where the fan
    stays in the file.
    """
    bucket = buckets.scoring()
    with bucket.open(key) as source, TemporaryFile() as new:
        first = _first(source)
        if first == container.MAGIC:
            return _delete_avro(key, source, sought, touch)
        if first == PARQUET:
            changed = _parquet_without(source, new, sought, name)
        elif first == ZIP:
            changed = _zip_without(source, new, sought, name)
        elif first.startswith(GZIP_MAGIC):
            changed = _packed_without(source, new, sought, name)
        else:
            changed = _lines_without(source, new, sought, name)
        if changed:
            touch(Place(AREA, FILE, key, changed))
            note_kept(key, sha256_of(cast("BinaryIO", new)))
            new.seek(0)
            bucket.put(key, new)
    return True


def _first(source: BinaryIO) -> bytes:
    first = source.read(len(ZIP))
    source.seek(0)
    return first


def _delete_avro(key: str, source: BinaryIO, sought: Sought, touch: Touch) -> bool:
    """Registrations as a service sent them, in a form that only it can write: deleted once all of
    them are in the database. False for those that are not: they are other fans' registrations, too.
    """
    if not any(_is_of(record, sought) for record in container.read_records(source)):
        return True
    imports = RegistrationImport.objects.filter(key=key)
    # without its rejected rows the file is read again
    if not imports or any(not each.finished or not each.rejected_key for each in imports):
        return False
    touch(Place(AREA, FILE, key, 1))
    buckets.scoring().delete(key)
    return True


def _is_of(record: Mapping[str, Any], sought: Sought) -> bool:
    """Whether a record is the fan's: by its id, and without one by what it says. A contact may be
    another fan's, too.
    """
    whose = next((_text_of(record[name]) for name in record if name.lower() in fan_lines.FANS), "")
    return whose == sought.fan_id if whose else sought.named_in(str(record))


def _text_of(value: object) -> str:
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    return "" if text is None else trim(str(text))


# Each writes the same file without the fan, and returns how many lines that changed.


def _lines_without(source: IO[bytes], new: IO[bytes], sought: Sought, name: str) -> int:
    changed = 0
    for line, is_other in fan_lines.without(source, sought, name):
        new.write(line)
        changed += is_other
    return changed


def _packed_without(source: BinaryIO, new: IO[bytes], sought: Sought, name: str) -> int:
    with packed(new) as out:
        return _lines_without(unpacked(source), out, sought, name)


def _zip_without(source: IO[bytes], new: IO[bytes], sought: Sought, name: str) -> int:
    changed = 0
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(new, "w") as zipped:
        for entry in old.infolist():
            kept = copy(entry)  # writing changes the sizes in it, by which the old one is read
            with old.open(entry) as ours, zipped.open(kept, "w") as theirs:
                changed += _lines_without(ours, theirs, sought, name)
    return changed


def _parquet_without(source: IO[bytes], new: IO[bytes], sought: Sought, name: str) -> int:
    with NamedTemporaryFile() as copied:  # polars reads a file without a name as a whole
        shutil.copyfileobj(source, copied)
        copied.flush()
        frame = pl.scan_parquet(copied.name)
        schema = frame.collect_schema()
        texts = [column for column, kind in schema.items() if kind == pl.String]
        if not texts:
            return 0
        ours = pl.any_horizontal(pl.col(texts) == sought.fan_id).sum()
        changed = int(frame.select(ours).collect(engine="streaming").item())
        if changed:
            frame.with_columns(pl.col(texts).replace(sought.fan_id, name)).sink_parquet(new)
        return changed
