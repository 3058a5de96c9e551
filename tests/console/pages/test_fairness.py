"""The fairness report's page and its way from the score file. [X-3]"""

from __future__ import annotations

import pytest

from campaigns.fairness import reports
from campaigns.models import ScoreFile
from operations.models import Job
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.people import client_of, member_of

pytestmark = pytest.mark.django_db(transaction=True)


def drawn() -> ScoreFile:
    """By name, for luck depends on it."""
    return process_scores(
        make_campaign("drawn"), score_file_bytes([score_row(number) for number in range(1, 300)])
    )


def test_x3_a_report_is_asked_for_on_the_score_files_page():
    client, score_file = client_of(member_of("operator")), drawn()
    assert "Create the report" in client.get(f"/admin/score-file/{score_file.pk}/").content.decode()
    answer = client.post(f"/admin/score-file/{score_file.pk}/fairness/make/", follow=True)
    assert answer.redirect_chain == [(f"/admin/score-file/{score_file.pk}/fairness/", 302)]
    assert Job.objects.get(kind="fairness").state == "queued"
    assert "Waiting for a worker" in answer.content.decode()


def test_x3_a_made_report_shows_its_verdict_then_pictures_then_statistics():
    client, score_file = client_of(member_of("viewer")), drawn()
    reports.run(reports.open_job(score_file, by=None).pk)
    shown = client.get(f"/admin/score-file/{score_file.pk}/fairness/").content.decode()
    parts = ("The draw treated all fans alike", "luck-all-title", "The statistics", "p, corrected")
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert all(f'id="luck-{band}-title"' in shown for band in ("all", "high", "mid", "low"))
    assert "Create it again" not in shown
    file_page = client.get(f"/admin/score-file/{score_file.pk}/").content.decode()
    assert f'href="/admin/score-file/{score_file.pk}/fairness/"' in file_page


def test_x3_the_page_of_a_file_that_is_not_drawn_says_to_wait():
    client = client_of(member_of("operator"))
    score_file = receive_scores(make_campaign(), score_file_bytes([score_row(1)]))
    assert (
        "once the file is streamed"
        in client.get(f"/admin/score-file/{score_file.pk}/fairness/").content.decode()
    )
    answer = client.post(f"/admin/score-file/{score_file.pk}/fairness/make/", follow=True)
    assert "can be created once it is streamed" in str(next(iter(answer.context["messages"])))
    assert not Job.objects.filter(kind="fairness").exists()
