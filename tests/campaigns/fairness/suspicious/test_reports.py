"""The suspicious groups of a score file are found in the database, kept without contacts, and shown
again by their fans' ids. [X-13]
"""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from campaigns.errors import NotDrawn
from campaigns.fairness.suspicious import reports
from campaigns.models import ScoreFile, SuspiciousFan, SuspiciousGroup
from operations.models import Job
from tests.campaigns.fairness.suspicious.machine_made import PHONES, processed
from tests.support.campaigns import (
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def found(score_file: ScoreFile) -> reports.Summary:
    return reports.run(reports.open_job(score_file, by=None).pk)


def test_x13_groups_are_found_in_a_processed_file():
    score_file = processed()
    summary = found(score_file)
    assert summary["groups"] == {
        "running_digits": 1,
        "phone_run": 1,
        "rare_domain": 0,
        "spellings": 1,
        "burst": 1,
    }
    assert (summary["found"], summary["fans"], summary["registered"]) == (4, 160, 120)
    kept = list(score_file.suspicious_groups.values_list("number", "kind", "fans"))
    assert kept == [
        (1, "running_digits", 40),
        (2, "phone_run", PHONES),
        (3, "spellings", 20),
        (4, "burst", 40),
    ]
    bots = SuspiciousFan.objects.filter(group__number=1).values_list("global_user_id", flat=True)
    assert list(bots) == [f"fan-{number}" for number in range(101, 141)]


def test_x13_what_is_kept_of_groups_and_logged_of_them_is_no_contact(caplog):
    score_file = processed()
    with caplog.at_level("INFO"):
        found(score_file)
    score_file.refresh_from_db()
    rows = [
        *SuspiciousGroup.objects.values(),
        *SuspiciousFan.objects.values(),
        *Job.objects.values(),
    ]
    text = json.dumps([score_file.suspicious, rows], default=str) + caplog.text
    assert "suspicious groups found" in text
    for contact in ("ticketbot", "@", "2065550", "annab"):
        assert contact not in text


def test_x13_a_search_again_replaces_what_was_found():
    score_file = processed()
    assert found(score_file) == found(score_file)
    assert score_file.suspicious_groups.count() == 4
    score_file.refresh_from_db()
    assert score_file.suspicious["found"] == 4


def test_x13_honest_fans_are_no_group():
    rows = [
        score_row(n, tmemail=f"{'abcdefghij'[n % 10] * n}@mail.example", sms="")
        for n in range(1, 30)
    ]
    summary = found(process_scores(make_campaign(), score_file_bytes(rows)))
    assert reports.sentence(summary) == "No group of fans looks made by a machine."


def test_x13_what_was_found_is_said_without_accusing():
    summary = reports.Summary(fans=9, registered=9, found=2, groups={})
    assert (
        reports.sentence(summary) == "2 groups of fans look made by a machine. Look before you act."
    )
    summary["found"] = 1
    assert reports.sentence(summary).startswith("1 group of fans looks made")


def test_x13_a_file_that_is_not_drawn_is_not_looked_at():
    score_file = receive_scores(make_campaign(), score_file_bytes([score_row(1)]))
    with pytest.raises(NotDrawn, match="once it is streamed"):
        reports.open_job(score_file, by=None)
    assert reports.without_groups() == []


def test_x13_only_the_largest_groups_of_a_kind_are_kept(monkeypatch):
    monkeypatch.setattr(reports, "MOST_OF_KIND", 0)
    score_file = processed()
    assert found(score_file)["found"] == 4
    assert score_file.suspicious_groups.count() == 0


def test_x13_the_command_prints_the_groups_beside_the_report(capsys):
    score_file = processed()
    call_command("fairness_report", str(score_file.pk), "--json")
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])["suspicious"]
    assert printed["says"].startswith("4 groups of fans look made by a machine")
    assert [group["kind"] for group in printed["groups"]] == [
        "running_digits",
        "phone_run",
        "spellings",
        "burst",
    ]
    assert printed["groups"][1]["about"] == {"numbers": PHONES}
