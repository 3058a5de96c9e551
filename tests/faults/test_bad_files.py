"""Files made to harm, and disks that are full: one clear outcome each, and nothing half-counted.
[S-1, S-3, S-12]

Each is given to the command in a process of its own, whose memory is measured.
"""

from __future__ import annotations

import functools
import gzip
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from campaigns.models import Campaign, FanScore, RejectedRow, ScoreFile
from datalake.storage import buckets
from operations.choices import JobState
from operations.models import Job
from tests.support.campaigns import make_campaign, score_file_bytes, score_row
from tests.support.processes import command
from tests.support.score_files import everything_of, start_over

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

FULL = bool(os.environ.get("FAIRWAVE_FULL"))
LONG_LINE = 1_000_000_000 if FULL else 150_000_000
ROOM = 100 * 1024  # KiB above what a small file takes
ROWS = [score_row(number) for number in range(1, 4)]


@dataclass(frozen=True)
class Ended:
    """What a command said, how it ended, and its largest memory in KiB."""

    result: dict[str, Any]
    status: int
    peak: int


def process(campaign: Campaign, file: Path, **options: Any) -> Ended:
    """Process the file by the command, in a process of its own."""
    started = command("process_scores", campaign.campaign_id, file, "--json", **options)
    status, (peak, _) = started.wait(), started.measured()
    return Ended(started.last_line(), status, peak)


def counted(score_file: ScoreFile) -> tuple[int, int]:
    """Rows that pages and waves can see, and rejected ones."""
    return FanScore.objects.filter(score_file=score_file).count(), score_file.rejected_rows.count()


@pytest.fixture(scope="module")
def peaks() -> dict[str, int]:
    """The memory that a small file takes, measured once for all tests."""
    return {}


def beyond_a_small_file(
    ended: Ended, campaign: Campaign, bucket_folders: Path, peaks: dict[str, int]
) -> int:
    """KiB."""
    if "small" not in peaks:
        file = bucket_folders / "small.txt"
        file.write_bytes(score_file_bytes([score_row(9_999)]))
        peaks["small"] = process(campaign, file).peak
    return ended.peak - peaks["small"]


@functools.cache
def packed_zeros() -> bytes:
    """A hundred megabytes, packed."""
    return gzip.compress(bytes(100_000_000), mtime=0)


@pytest.mark.parametrize(
    "begins", [b"", score_file_bytes(ROWS)], ids=["zeros alone", "zeros behind rows"]
)
def test_s1_a_packed_file_of_ten_gigabytes_of_zeros_is_refused_before_it_is_unpacked(
    bucket_folders, begins, peaks
):
    campaign, bomb = make_campaign(), bucket_folders / "bomb.txt.gz"
    bomb.write_bytes((gzip.compress(begins, mtime=0) if begins else b"") + packed_zeros() * 100)
    ended = process(campaign, bomb)
    assert ended.status == 1
    assert "unpacks to more than 100 times its size" in ended.result["error"]
    assert not ScoreFile.objects.exists()
    assert list(buckets.scoring().list("")) == []
    assert beyond_a_small_file(ended, campaign, bucket_folders, peaks) < ROOM


def test_s3_a_line_larger_than_any_row_is_malformed_and_never_held(bucket_folders, peaks):
    campaign, file = make_campaign(), bucket_folders / "long.txt"
    header, first, *others = score_file_bytes(ROWS).splitlines(keepends=True)
    with file.open("wb") as out:
        out.write(header + first)
        for _ in range(LONG_LINE // 1_000_000):
            out.write(b"x" * 1_000_000)
        out.write(b"\n" + b"".join(others))
    ended = process(campaign, file)
    assert (ended.status, ended.result["rows_in"], ended.result["accepted"]) == (0, 4, 3)
    assert ended.result["rejected"] == {"malformed_row": 1}
    assert RejectedRow.objects.get(score_file=ScoreFile.objects.get(name=file.name)).line == 3
    assert beyond_a_small_file(ended, campaign, bucket_folders, peaks) < ROOM


def test_s3_rows_with_nul_bytes_are_malformed_and_can_be_read_in_the_rejected_file(bucket_folders):
    campaign, file = make_campaign(), bucket_folders / "nul.txt"
    broken = score_file_bytes(
        [score_row(7, member_id="a\x00b"), score_row(8, member_id="\x00")]
    ).splitlines()[1:]
    file.write_bytes(score_file_bytes([*ROWS, *broken, b"\x00" * 300]))
    ended = process(campaign, file)
    assert (ended.status, ended.result["rows_in"], ended.result["accepted"]) == (0, 6, 3)
    assert ended.result["rejected"] == {"malformed_row": 3}
    with buckets.scoring().open(ended.result["rejected_file"]) as rejected:
        text = rejected.read()
    assert b"a\\x00b" in text
    assert b"\x00" not in text


def test_s12_a_stored_file_that_changed_since_it_came_counts_for_nothing_and_can_be_brought_again(
    bucket_folders,
):
    campaign, file = make_campaign(), bucket_folders / "scores.txt"
    file.write_bytes(score_file_bytes(ROWS))
    assert process(campaign, file).status == 0
    undisturbed = everything_of(ScoreFile.objects.get())
    start_over(campaign)
    score_file = _received(campaign, file)
    buckets.scoring().put(score_file.key, score_file_bytes([*ROWS, score_row(66)]))
    ended = process(campaign, file)
    assert (ended.status, "checksum is different" in ended.result["error"]) == (1, True)
    score_file.refresh_from_db()
    assert (score_file.state, counted(score_file)) == ("failed", (0, 0))
    again = process(campaign, file)
    assert (again.status, again.result["repeated"]) == (0, True)
    assert everything_of(score_file) == undisturbed


def _received(campaign: Campaign, file: Path) -> ScoreFile:
    from campaigns.scoring.reception import receive

    with file.open("rb") as content:
        return receive(campaign, file.name, content, by=None).score_file


# A process whose files may not grow beyond `file_bytes` gets what a full disk says, with another
# number.


def test_s12_a_disk_that_is_full_when_the_file_comes_leaves_a_failed_file_that_can_come_again(
    bucket_folders,
):
    campaign, file = make_campaign(), bucket_folders / "scores.txt"
    file.write_bytes(score_file_bytes(score_row(number) for number in range(5_000)))
    ended = process(campaign, file, file_bytes=file.stat().st_size // 2)
    assert (ended.status, "could not be stored in the scoring bucket" in ended.result["error"]) == (
        1,
        True,
    )
    failed = ScoreFile.objects.get()
    assert (failed.state, "could not be stored" in failed.error) == ("failed", True)
    assert (list(buckets.scoring().list("")), counted(failed), Job.objects.count()) == (
        [],
        (0, 0),
        0,
    )
    again = process(campaign, file)
    assert (again.status, again.result["repeated"], again.result["accepted"]) == (0, True, 5_000)
    assert ScoreFile.objects.get().pk == failed.pk


def test_s12_a_disk_that_fills_up_under_the_work_counts_nothing_and_the_next_try_ends_as_if_undisturbed(
    bucket_folders,
):
    campaign, file = make_campaign(), bucket_folders / "scores.txt"
    file.write_bytes(
        gzip.compress(score_file_bytes(score_row(number) for number in range(5_000)), mtime=0)
    )
    assert process(campaign, file).status == 0
    undisturbed = everything_of(ScoreFile.objects.get())
    start_over(campaign)
    ended = process(campaign, file, file_bytes=file.stat().st_size + 25_000)
    assert ended.status == 1
    failed = ScoreFile.objects.get()
    assert (failed.state, failed.streamed_at, counted(failed)) == ("failed", None, (0, 0))
    assert Job.objects.get().state == JobState.FAILED
    campaign.refresh_from_db()
    assert campaign.active_score_file_id is None
    assert process(campaign, file).status == 0
    assert everything_of(ScoreFile.objects.get()) == undisturbed
