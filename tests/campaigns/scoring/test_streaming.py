"""What follows once a score file is drawn. [S-11, S-12]"""

from __future__ import annotations

import pytest

from campaigns.choices import ScoreFileState
from campaigns.models import ScoreFile
from campaigns.scoring import publishing, rules
from datalake import save, streams
from datalake.choices import StreamName
from operations.models import Alert
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.score_files import messy, read

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_without_an_accepted_row_is_saved_at_once():
    score_file = process_scores(
        make_campaign(), score_file_bytes([score_row(1, raw_local_fanscore="0.1")])
    )
    assert score_file.state == ScoreFileState.SAVED
    assert (score_file.accepted, score_file.streamed, score_file.stream_position) == (0, 0, None)
    assert (
        read(score_file.scrubbed_key)
        == b"id,email,phone,globalUserId,memberId,score,band_score,tags,marketId\n"
    )


def test_a_file_is_saved_when_the_lake_has_its_last_batch(monkeypatch):
    """[S-12]"""
    monkeypatch.setattr(streams, "BATCH_RECORDS", 5)
    monkeypatch.setattr(publishing, "RECORDS_AT_A_TIME", 10)
    score_file = process_scores(make_campaign(), messy())
    assert score_file.state == ScoreFileState.STREAMED
    while streams.reached(save.CONSUMER, StreamName.SCORED) < score_file.stream_position:
        score_file.refresh_from_db()
        assert score_file.state == ScoreFileState.STREAMED
        save.save(StreamName.SCORED, 1)
    score_file.refresh_from_db()
    assert score_file.state == ScoreFileState.SAVED


def test_a_lake_that_was_faster_than_the_handover_is_noticed_when_that_is_noted():
    """[S-12] Streams that are kept outside the database."""
    score_file = process_scores(
        make_campaign(), score_file_bytes([score_row(1, raw_local_fanscore="0.1")])
    )
    ScoreFile.objects.update(state=ScoreFileState.STREAMED)
    for watcher in streams.WATCHERS:
        watcher(StreamName.SCORED)
    score_file.refresh_from_db()
    assert score_file.state == ScoreFileState.SAVED


def test_a_lake_that_was_faster_than_the_file_saves_it_all_the_same(monkeypatch):
    """[S-12] The last batch is in the lake before the file is STREAMED."""
    real = publishing.publish
    monkeypatch.setattr(
        publishing, "publish", lambda *a: (real(*a), save.save(StreamName.SCORED))[0]
    )
    assert process_scores(make_campaign(), messy()).state == ScoreFileState.SAVED


def test_slack_is_notified_of_the_files_outcome():
    """[S-11]"""
    content = score_file_bytes([score_row(1), score_row(1), score_row(2, sms="")])
    process_scores(make_campaign(), content, name="march scores")
    (alert,) = Alert.objects.all()
    assert "march scores" in alert.text
    assert "3 in, 2 accepted, 1 rejected (Duplicate of an earlier row: 1)" in alert.text
    assert "No phone number: 1" in alert.text
    assert "now active" in alert.text
    assert rules.NO_BLACKLIST in alert.text
    assert "mail.example" not in alert.text
