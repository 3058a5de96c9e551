"""How many fans stand otherwise in one score file than in another. [S-8]"""

from __future__ import annotations

import pytest

from campaigns.scoring.comparison import moved_between
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    process_scores,
    registration_row,
    score_file_bytes,
    score_row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_comes_goes_or_has_another_score_or_wish_is_moved():
    campaign = make_campaign()
    before = process_scores(campaign, score_file_bytes([score_row(n) for n in (1, 2, 3, 4)]))
    import_registrations(campaign, [registration_row(4)])
    rows = [score_row(2), score_row(3, raw_local_fanscore="0.50"), score_row(4), score_row(5)]
    rows[0]["raw_local_fanscore"] = "0.6"
    after = process_scores(campaign, score_file_bytes(rows))
    # 1 goes, 2 has another score, 4 has wishes now, 5 comes; 3 is only written otherwise
    assert moved_between(before, after) == moved_between(after, before) == 4
    assert moved_between(before, before) == 0


def test_where_there_is_one_file_alone_all_its_fans_are_moved():
    score_file = process_scores(make_campaign())
    assert moved_between(None, score_file) == moved_between(score_file, None) == 2
    assert moved_between(None, None) == 0
