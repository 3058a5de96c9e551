"""Rows are judged chunk by chunk, and the file is judged as a whole. [S-7, S-9]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.choices import ScoreFileState
from campaigns.draw import Draw
from campaigns.entropy.entry import enter_entropy
from campaigns.formats import score_rows
from campaigns.models import FanScore, RejectedRow, ScoreFile
from campaigns.scoring import judging, score_files
from datalake.erased.fans import mark
from operations.models import Chunk
from tests.campaigns.scoring.kills import Killed, killed_at
from tests.campaigns.scoring.surveys import duplicate_lines, surveyed
from tests.support.campaigns import (
    SALT,
    SEED,
    import_registrations,
    make_campaign,
    process_scores,
    receive_scores,
    registration_row,
    score_file_bytes,
    score_row,
)
from tests.support.score_files import messy, read

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_chunk_that_went_missing_fails_the_file_and_not_its_ledger(monkeypatch, small_chunks):
    """[S-3] Lines are counted apart from the chunks, so the constraint has something to compare."""
    real = judging.judge
    monkeypatch.setattr(
        judging, "judge", lambda *a: (real(*a), Chunk.objects.filter(number=1).delete())
    )
    with pytest.raises(IntegrityError, match="scorefile_ledger"):
        process_scores(make_campaign(), messy(60))
    assert ScoreFile.objects.get().state == ScoreFileState.FAILED


def test_a_value_that_comes_between_two_halves_of_a_file_draws_all_of_it(monkeypatch, small_chunks):
    """[S-8]"""
    campaign = make_campaign(entropy_source="drand round 5551234")
    score_file = receive_scores(campaign, messy(60))
    job = score_files.open_job(score_file, by=None)
    with killed_at(monkeypatch, judging, "_write", 4), pytest.raises(Killed):
        score_files.process(job.pk)
    enter_entropy(campaign.pk, "4a7f", by=None)
    done = score_files.process(job.pk)
    assert done.state == ScoreFileState.STREAMED
    draw = Draw(campaign.campaign_id, SEED, SALT, "4a7f")
    lucks = dict(FanScore.objects.filter(score_file=done).values_list("global_user_id", "luck"))
    assert lucks == {fan: int.from_bytes(draw.full_h(fan)[:8], "big") - 2**63 for fan in lucks}
    assert b",,|" not in read(done.scrubbed_key)


def test_the_same_fan_has_the_same_luck_in_every_file():
    """[S-8] Nothing that is uploaded again can fish for a better result."""
    campaign = make_campaign()
    first = process_scores(campaign, messy(30))
    second = process_scores(
        campaign,
        score_file_bytes([score_row(n, raw_local_fanscore="0.6") for n in range(40, 0, -1)]),
    )
    lucks = [
        dict(FanScore.objects.filter(score_file=file).values_list("global_user_id", "luck"))
        for file in (first, second)
    ]
    shared = lucks[0].keys() & lucks[1].keys()
    assert len(shared) > 10
    assert all(lucks[0][fan] == lucks[1][fan] for fan in shared)


def test_registrations_give_the_market_and_confirm_the_phone_they_hold():
    """[S-5, S-10]"""
    campaign = make_campaign()
    import_registrations(
        campaign,
        [
            registration_row(1, phone="+12065550001"),
            registration_row(2, phone="+12065559999", market_preferences="east"),
            registration_row(3, phone="+12065550003", phone_confirmed="no", market_preferences=""),
        ],
    )
    score_file = process_scores(campaign, score_file_bytes([score_row(n) for n in (1, 2, 3, 4)]))
    found = {
        fan: (confirmed, market, tags)
        for fan, confirmed, market, tags in FanScore.objects.filter(
            score_file=score_file
        ).values_list("global_user_id", "phone_confirmed", "preferences", "tags")
    }
    assert found == {
        "fan-1": (True, "west|east", ""),
        "fan-2": (False, "east", "unconfirmed_phone"),
        "fan-3": (False, "", "unconfirmed_phone"),
        "fan-4": (False, None, "unconfirmed_phone"),
    }


def test_the_column_decides_about_confirmation_where_it_is_there():
    """[S-5]"""
    campaign = make_campaign(require_confirmed_phone=True)
    import_registrations(
        campaign,
        [registration_row(1, phone="+12065550001"), registration_row(2, phone="+12065550002")],
    )
    columns = [*score_row(), "phone_confirmed"]
    rows = [
        score_row(1, phone_confirmed="0", tmemail=""),
        score_row(2, phone_confirmed="YES", tmemail=""),
    ]
    score_file = process_scores(campaign, score_file_bytes(rows, columns=columns))
    assert score_file.rejected_by == {"no_contact": 1}
    assert FanScore.objects.get(score_file=score_file).global_user_id == "fan-2"


def test_shared_contacts_are_counted_over_a_resumed_file(monkeypatch, small_chunks):
    """[S-6, S-12]"""
    campaign = make_campaign(max_fans_per_contact=3)
    content = score_file_bytes(
        [score_row(n, tmemail=f"one{n % 2}@mail.example") for n in range(60)]
    )
    score_file = receive_scores(campaign, content)
    job = score_files.open_job(score_file, by=None)
    with killed_at(monkeypatch, judging, "_write", 4), pytest.raises(Killed):
        score_files.process(job.pk)
    done = score_files.process(job.pk)
    assert done.accepted == 6
    assert sorted(FanScore.objects.filter(score_file=done).values_list("line", flat=True)) == [
        2,
        3,
        4,
        5,
        6,
        7,
    ]


def test_a_later_row_of_a_fan_is_a_duplicate_whatever_became_of_the_earlier():
    rows = [
        score_row(1),
        score_row(2, raw_local_fanscore="no"),
        score_row(2),
        score_row(1),
        score_row(3),
        score_row(2),
    ]
    assert surveyed(score_file_bytes(rows)).lines == 6
    assert duplicate_lines(score_file_bytes(rows)) == [4, 5, 7]


def test_a_row_without_an_id_or_malformed_is_nobodys_duplicate_nor_original():
    rows = [
        score_row(1, global_user_id=" "),
        score_row(2, global_user_id=""),
        b"1\t\t\tfan-9",
        score_row(9),
        b"",
    ]
    assert duplicate_lines(score_file_bytes(rows)) == []


def test_ids_are_compared_trimmed_and_exactly():
    rows = [score_row(1, global_user_id=name) for name in ("a", " a\u00a0", "A", "a.", "a")]
    assert duplicate_lines(score_file_bytes(rows)) == [3, 6]


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "", "é", "e"]), min_size=1, max_size=40),
    st.integers(40, 500),
)
def test_duplicates_are_found_across_blocks(ids, block_bytes):
    seen, expected = set(), []
    for line, name in enumerate(ids, start=2):
        if name in seen:
            expected.append(line)
        seen |= {name} - {""}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_rows.read_chunks, "__defaults__", (block_bytes,))
        content = score_file_bytes(
            [score_row(n, global_user_id=name) for n, name in enumerate(ids)]
        )
        assert duplicate_lines(content) == expected


def test_x11_a_row_of_an_erased_fan_is_erased_and_leaves_nothing_until_they_register_again():
    campaign = make_campaign()
    mark("fan-1")
    content = score_file_bytes([score_row(1), score_row(2), score_row(1)])
    first = process_scores(campaign, content)
    assert (first.accepted, first.rejected_by) == (1, {"erased": 1, "duplicate": 1})
    reference = Draw(campaign.campaign_id, SEED, SALT).fan_ref("fan-1")
    for row in RejectedRow.objects.filter(score_file=first).values():
        assert (row["raw"], row["email"], row["phone"], row["member_id"]) == ("", "", "", "")
        assert row["global_user_id"] == f"erased:{reference}.0"
    nothing = b'"","","","","","","",'
    written = read(first.rejected_key).splitlines()[1:]
    assert written == [nothing + b"2,erased", nothing + b"4,duplicate"]
    import_registrations(campaign, [registration_row(1, date_created="2199-01-01T00:00:00Z")])
    again = process_scores(campaign, content + b"\n")
    assert (again.accepted, again.rejected_by) == (2, {"duplicate": 1, "malformed_row": 1})


def test_x11_a_registration_from_before_is_none_of_a_fan_whose_erasure_still_waits():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1)])
    mark("fan-1")
    assert process_scores(campaign).rejected_by == {"erased": 1}


def test_x11_the_name_of_an_erased_fan_is_no_id_of_a_row():
    name = f"erased:{'0' * 64}.1"
    done = process_scores(make_campaign(), score_file_bytes([score_row(1, global_user_id=name)]))
    assert done.rejected_by == {"erased": 1}
