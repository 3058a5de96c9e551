"""Judged rows on this machine's disk save reading them back, and never matter. [S-9]"""

from __future__ import annotations

import io

import polars as pl
import pytest

from campaigns.choices import ScoreFileState
from campaigns.scoring import publishing
from campaigns.scoring.local_cache import PUBLISHED, REJECTED, LocalCache
from operations import jobs
from operations.leases import Lease
from operations.subjects import Subject
from tests.campaigns.scoring.kills import Killed, killed_at
from tests.campaigns.scoring.published_files import read_csv, records_of
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)


def test_nobodys_rows_stay_on_this_machines_disk(bucket_folders, monkeypatch):
    campaign = make_campaign()
    process_scores(campaign, messy())
    monkeypatch.setattr(publishing, "publish", lambda *a: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        process_scores(campaign, messy(41))
    assert list((bucket_folders / "work").iterdir()) == []


def test_a_machine_that_did_not_judge_the_rows_publishes_the_same(monkeypatch):
    """[S-12] The rows on this machine's disk are a shortcut; another machine reads them from the
    database.
    """
    campaign, content = (
        make_campaign(),
        score_file_bytes([score_row(n, member_id=f'"{n}",') for n in range(50)]),
    )
    real, lost = publishing.judged_rows, []

    def on_another_machine(score_file, lease):
        publishing.LocalCache.of(lease).clear()
        lost.append(score_file)
        return real(score_file, lease)

    monkeypatch.setattr(publishing, "judged_rows", on_another_machine)
    score_file = process_scores(campaign, content)
    assert lost
    assert score_file.state == ScoreFileState.STREAMED
    assert [r["memberId"] for r in read_csv(score_file.scrubbed_key)] == [
        f'"{n}",' for n in range(50)
    ]
    assert len(records_of(score_file)) == 50


def frames(number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One accepted and one rejected row of a chunk."""
    accepted = pl.DataFrame({name: [f"{name} {number}"] for name in PUBLISHED}).with_columns(
        fan_ref=pl.lit(f"{number:064x}"), raw_text=pl.lit(f"0.{number}")
    )
    return accepted, pl.DataFrame({name: [f"{name} {number}"] for name in REJECTED})


def test_chunks_come_back_in_their_order_and_refilled_frames_are_the_same_rows(tmp_path):
    cache = LocalCache(tmp_path / "job")
    for number in (10, 2, 1):  # as workers finish them
        cache.put(number, *frames(number))
    assert cache.holds({1, 2, 10})
    assert not cache.holds({1, 3})
    rows, rejected = pl.concat(cache.rows()), pl.concat(cache.rejected_rows())
    assert rows["row_id"].to_list() == ["row_id 1", "row_id 2", "row_id 10"]
    assert rejected["raw"].to_list() == ["raw 1", "raw 2", "raw 10"]
    roster = cache.write_roster(io.BytesIO())
    cache.refill(iter([pl.concat([frames(n)[0] for n in (1, 2, 10)])]), iter([rejected]))
    assert pl.concat(cache.rows()).equals(rows)
    assert pl.concat(cache.rejected_rows()).equals(rejected)
    assert cache.write_roster(io.BytesIO()) == roster
    assert cache.holds({1, 2, 3, 10})  # everything was fetched, whatever it was cut into


def test_an_attempt_clears_what_is_its_own_and_what_was_left_by_earlier_ones(bucket_folders):
    """[O-6] One that was taken over takes nothing away from the one that works."""
    job = jobs.open_job("process_scores", Subject("score_file", "1"))
    first, second, tenth = (LocalCache.of(Lease(job.pk, attempt)) for attempt in (1, 2, 10))
    for cache in (first, second, tenth):
        cache.put(1, *frames(1))
    first.clear()
    assert second.holds({1})
    first.put(1, *frames(1))
    second.clear_earlier()
    assert (first.holds({1}), second.holds({1}), tenth.holds({1})) == (False, True, True)


def test_a_chunk_whose_writing_broke_off_is_not_there(tmp_path, monkeypatch):
    cache = LocalCache(tmp_path / "job")
    with killed_at(monkeypatch, pl.DataFrame, "write_ipc", 1), pytest.raises(Killed):
        cache.put(1, *frames(1))
    assert not cache.holds({1})
    assert list(cache.rows()) == []
