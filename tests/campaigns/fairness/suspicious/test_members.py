"""The fans of suspicious groups. [X-13]"""

from __future__ import annotations

import pytest

from campaigns.fairness.suspicious import members, reports
from campaigns.scoring import tables
from operations.database.statements import run
from tests.campaigns.fairness.suspicious.machine_made import processed

pytestmark = pytest.mark.django_db(transaction=True)


def test_x13_the_first_fans_of_each_group_are_its_examples():
    score_file = processed()
    reports.run(reports.open_job(score_file, by=None).pk)
    examples = members.examples_of(score_file)
    bots, phones, *_ = (examples[group.pk] for group in score_file.suspicious_groups.all())
    assert bots[0] == (102, "ticketbot101@gmail.com", "")
    assert [example.phone[-4:] for example in phones] == ["0101", "0102", "0103", "0104", "0105"]


def test_x13_groups_outlive_the_rows_that_they_were_found_in():
    score_file = processed()
    reports.run(reports.open_job(score_file, by=None).pk)
    run(f"DROP TABLE {tables.SCORES}_{score_file.pk}")
    assert members.examples_of(score_file) == {}
