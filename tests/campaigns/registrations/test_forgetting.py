"""Rows of erased fans do not stay in the registration file that they came in. [X-11]"""

from __future__ import annotations

import pytest

from campaigns.models import RegistrationImport
from campaigns.registrations import imports
from datalake.erased.fans import mark
from datalake.storage import buckets
from tests.support.campaigns import (
    import_registrations,
    in_memory,
    make_campaign,
    registration_row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def kept(found: RegistrationImport) -> bytes:
    return buckets.scoring().open(found.key).read()


def test_x11_the_old_row_is_taken_out_and_the_new_one_and_those_of_others_stay():
    campaign = make_campaign()
    mark("fan-1")
    later = registration_row(1, email="new@mail.example", date_created="2199-01-01T00:00:00Z")
    found = import_registrations(campaign, [registration_row(1), later, registration_row(2)])
    old, new, other = kept(found).decode().splitlines()[1:]
    assert old.startswith("erased:")
    assert old.endswith(",west|east,2026-01-05T10:00:00Z,")
    assert "fan" not in old.replace("erased", "")
    assert new.startswith("fan-1,member-1,new@mail.example")
    assert other.startswith("fan-2,")


def test_x11_who_registered_and_was_never_erased_stays_beside_a_blank_line():
    campaign = make_campaign()
    mark("somebody")
    found = import_registrations(campaign, [registration_row(1), b""])
    assert b"fan-1" in kept(found)


def test_x11_of_corrected_rows_the_fan_is_found_by_id_for_their_lines_are_others():
    campaign = make_campaign()
    rows = [registration_row(2), registration_row(1, market_preferences="north")]
    first = import_registrations(campaign, rows)
    rejected = buckets.scoring().open(first.rejected_key).read()
    mark("fan-1")
    corrected = imports.receive(
        campaign,
        "again.csv",
        in_memory(rejected.replace(b"north", b"west")),
        by=None,
        corrects=first,
    )
    done = imports.process(imports.open_job(corrected, by=None).pk)
    assert done.rejected_by == {"erased": 1}
    assert b"fan-1" not in kept(done)
    assert imports.process(imports.open_job(done, by=None).pk).pk == done.pk
