"""A corrected file of rejected rows is read in pieces, and no further than it can be one. [C-4, S-14]"""

from __future__ import annotations

import pytest

from campaigns.errors import BadCorrection
from campaigns.formats import corrected_file
from tests.campaigns.supplements.supplement_cases import as_csv, refused, rejected_rows
from tests.support.campaigns import make_campaign, process_scores
from tests.support.score_files import messy, read

pytestmark = pytest.mark.django_db(transaction=True)


def test_s14_a_line_without_an_end_is_refused_before_it_is_held(monkeypatch):
    monkeypatch.setattr(corrected_file, "LONGEST_TEXT", 1000)
    parent = process_scores(make_campaign(), messy())
    refused(parent, read(parent.rejected_key) + b"," * 1001, BadCorrection, "is too long")


def test_s14_a_file_that_repeats_its_rows_for_ever_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(corrected_file, "ROWS_AT_A_TIME", 10)
    parent = process_scores(make_campaign(), messy())
    rows = rejected_rows(parent)
    refused(parent, as_csv(rows * 3) + b"\xff" * 100_000, BadCorrection, "appears twice")
