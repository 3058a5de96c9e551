"""Each score file has tables of its own, whose rows the database guards. [S-9, S-10]"""

from __future__ import annotations

import psycopg
import pytest
from django.db import IntegrityError, connections, transaction

from campaigns.choices import ScoreFileState
from campaigns.models import FanScore, RejectedRow
from campaigns.scoring import tables
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.score_files import messy

pytestmark = pytest.mark.django_db(transaction=True)


def test_scores_are_never_updated():
    """[S-13]"""
    score_file = process_scores(make_campaign())
    with pytest.raises(IntegrityError, match="inserted, never updated"), transaction.atomic():
        FanScore.objects.filter(score_file=score_file).update(band_score=1.0)


def test_one_fan_has_one_outcome_in_a_file():
    score_file = process_scores(
        make_campaign(), score_file_bytes([score_row(1), score_row(2, raw_local_fanscore="no")])
    )
    with pytest.raises(IntegrityError, match="one_outcome_per_fan"), transaction.atomic():
        RejectedRow.objects.create(
            score_file=score_file, line=9, global_user_id="fan-2", reason="no_contact", raw=""
        )


@pytest.mark.parametrize("table", [tables.SCORES, tables.REJECTED])
def test_attaching_waits_for_a_lock_and_tries_again(monkeypatch, table):
    """[S-13] Somebody holds the table of all rows for longer than one try."""
    monkeypatch.setattr(tables, "LOCK_TIMEOUT", "100ms")
    campaign, held, tries = make_campaign(), [], []
    settings = connections["default"].get_connection_params()
    holder = psycopg.connect(
        **{k: settings[k] for k in ("dbname", "user", "password", "host", "port") if k in settings}
    )
    real = tables.attach

    def attach(number: int, of: str = tables.SCORES) -> None:
        if of != table:
            return real(number, of)
        if not held:
            held.append(holder.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE"))
        elif len(tries) == 2:
            holder.rollback()
        tries.append(number)
        return real(number, of)

    monkeypatch.setattr(tables, "attach", attach)
    try:
        assert process_scores(campaign, messy()).state == ScoreFileState.STREAMED
    finally:
        holder.close()
    assert len(tries) == 3
