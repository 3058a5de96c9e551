"""A file of ranks becomes the lines of a score file. [S-15]"""

from __future__ import annotations

import pytest

from campaigns.choices import ScoringType
from campaigns.errors import (
    CancelledByHand,
)
from campaigns.formats import score_rows
from campaigns.models import FanScore, RankFile, RejectedRow, ScoreFile
from campaigns.ranks import rank_files, translation
from operations import jobs
from operations.choices import JobState
from tests.campaigns.ranks.rank_cases import (
    manifest,
    process_ranks,
    ranks_of,
    receive_ranks,
)
from tests.support.campaigns import import_registrations, in_memory, make_campaign, registration_row

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_line_has_one_outcome_under_its_own_number():
    """[S-3, S-15]"""
    more = [
        "x,fan-9,a@mail.example",
        "0.5,fan-8,b@mail.example",
        "1,fan-1,fan1@mail.example",
        '2,"fan\n7",c',
        "",
        "1,,d",
    ]
    score_file = process_ranks(make_campaign(), ranks_of(2, *more, "3,fan-6,"))
    assert score_file.rows_in == 10
    assert dict(
        RejectedRow.objects.filter(score_file=score_file).values_list("line", "reason")
    ) == {
        4: "invalid_score",
        5: "invalid_score",
        6: "duplicate",
        7: "malformed_row",
        8: "malformed_row",
        9: "malformed_row",
        10: "missing_user_id",
        11: "no_contact",
    }
    assert sorted(
        FanScore.objects.filter(score_file=score_file).values_list("line", flat=True)
    ) == [2, 3]
    counts = {"records": 10, "malformed": 3, "invalid_ranks": 2, "fans": 3, "max_rank": 3}
    assert RankFile.objects.get().counts == counts == manifest()["files"][0]["counts"]


def test_that_the_bottom_falls_below_the_minimum_is_intended():
    score_file = process_ranks(make_campaign(), ranks_of(10))
    assert score_file.rejected_by == {"below_minimum_score": 2}  # 0.2 and 0.1


def test_the_formula_is_the_campaigns():
    score_file = process_ranks(make_campaign(scoring_type=ScoringType.PERCENTILE), ranks_of(5))
    scores = dict(
        FanScore.objects.filter(score_file=score_file).values_list("global_user_id", "raw_text")
    )
    assert scores == {"fan-1": "1.0", "fan-2": "0.75", "fan-3": "0.5", "fan-4": "0.25"}
    assert manifest()["files"][0]["formula"] == "percentile"


def test_contacts_that_the_file_lacks_are_the_registrants_with_their_confirmation():
    """[S-5, S-15]"""
    campaign = make_campaign(require_confirmed_phone=True)
    people = [
        registration_row(1, email=""),
        registration_row(2, email="", phone_confirmed="no"),
        registration_row(3),
    ]
    import_registrations(campaign, [people[0], people[2]])
    score_file = process_ranks(campaign, b"global_user_id,rank\nfan-1,1\nfan-2,2\nfan-3,2\n")
    found = {
        row["global_user_id"]: (
            row["email"],
            row["phone"],
            row["phone_confirmed"],
            row["member_id"],
            row["country"],
        )
        for row in FanScore.objects.filter(score_file=score_file).values()
    }
    assert found == {
        "fan-1": ("", "+12065550001", True, "member-1", "US"),
        "fan-3": ("fan3@mail.example", "+12065550003", True, "member-3", "US"),
    }
    assert score_file.rejected_by == {"no_contact": 1}  # fan-2 did not register


def test_a_file_of_many_blocks_is_the_same_as_one_of_one(monkeypatch):
    content = ranks_of(300, '7,"a\nb",c', "8")
    registered = [registration_row(n) for n in range(1, 200)]
    whole = make_campaign()
    import_registrations(whole, registered)
    at_once = process_ranks(whole, content)
    cut = make_campaign()
    import_registrations(cut, registered)
    monkeypatch.setattr(score_rows.read_chunks, "__defaults__", (700,))
    in_blocks = process_ranks(cut, content, fanlist_id="other")
    assert in_blocks.sha256 == at_once.sha256
    assert (in_blocks.rows_in, in_blocks.rejected_by) == (at_once.rows_in, at_once.rejected_by)


def test_a_translation_can_be_paused_and_goes_on(monkeypatch):
    campaign = make_campaign()
    stored = rank_files.store(campaign, "club", "ranks.csv", in_memory(ranks_of(3)), by=None)
    job = rank_files.open_job(stored, by=None)
    with monkeypatch.context() as asked:
        asked.setattr(
            translation,
            "translate",
            lambda *args: jobs.request_stop(job.pk, "pause") and args[-1](4, 6),
        )
        with pytest.raises(CancelledByHand, match="Upload the file again"):
            receive_ranks(campaign, ranks_of(3))
    job.refresh_from_db()
    assert job.state == JobState.PAUSED
    assert not ScoreFile.objects.exists()
    assert not receive_ranks(campaign, ranks_of(3)).repeated
