"""Of several records of a fan the newest counts, whatever order they come in. [C-3]"""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from campaigns.models import Registrant, RegistrationImport
from campaigns.registrations import staging
from tests.campaigns.registrations.registration_cases import (
    at,
    process,
    published,
    reasons,
    receive,
)
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    registration_bytes,
    registration_row,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_newest_record_wins_then_the_later_row_and_the_earliest_date_is_kept():
    """[C-4]"""
    campaign = make_campaign()
    rows = [
        registration_row(1, member_id="old", registered_at=at(3), date_created=at(8)),
        registration_row(1, member_id="newest", registered_at=at(5), date_created=at(9)),
        registration_row(1, member_id="oldest", registered_at=at(2), date_created=at(2)),
        registration_row(2, member_id="first"),
        registration_row(2, member_id="second"),
    ]
    found = import_registrations(campaign, rows)
    assert reasons(found) == [(2, "superseded"), (4, "superseded"), (5, "superseded")]
    assert {fan.member_id: fan.registered_at.day for fan in Registrant.objects.all()} == {
        "newest": 2,
        "second": 5,
    }
    assert {record["memberId"] for record in published()} == {"newest", "second"}


def test_a_later_file_supersedes_and_an_older_record_in_it_does_not():
    campaign = make_campaign()
    import_registrations(
        campaign, [registration_row(1, member_id="a", registered_at=at(5), date_created=at(8))]
    )
    older = import_registrations(
        campaign, [registration_row(1, member_id="b", registered_at=at(4), date_created=at(7))]
    )
    assert reasons(older) == [(2, "superseded")]
    fan = Registrant.objects.get()
    assert (fan.member_id, fan.registered_at.day, fan.changed_at.day) == ("a", 4, 8)
    import_registrations(
        campaign, [registration_row(1, member_id="c", registered_at=at(9), date_created=at(10))]
    )
    fan = Registrant.objects.get()
    assert (fan.member_id, fan.registered_at.day, fan.changed_at.day) == ("c", 4, 10)
    assert [record["memberId"] for record in published()] == ["a", "c"]


def test_two_files_at_once_settle_who_is_newest_one_after_the_other(monkeypatch):
    """[C-4] The older file comes to its end while the newer one is not committed."""
    campaign, newer_staged, older_waits = make_campaign(), threading.Event(), threading.Event()
    newer = receive(
        campaign, registration_bytes([registration_row(1, member_id="newer", date_created=at(9))])
    )
    older = receive(
        campaign, registration_bytes([registration_row(1, member_id="older", date_created=at(8))])
    )
    real = staging.merge

    def merge(*arguments, **options):
        real(*arguments, **options)
        if threading.current_thread().name == "newer":
            newer_staged.set()
            older_waits.wait(0.5)

    monkeypatch.setattr(staging, "merge", merge)
    failures = []

    def run(found: RegistrationImport) -> None:
        try:
            process(found)
        except Exception as error:  # noqa: BLE001 shown by the test
            failures.append(error)
        finally:
            connection.close()

    first = threading.Thread(target=run, args=(newer,), name="newer")
    second = threading.Thread(target=run, args=(older,), name="older")
    first.start()
    newer_staged.wait(10)
    second.start()
    first.join()
    second.join()
    assert failures == []
    assert Registrant.objects.get().member_id == "newer"


def test_more_fans_than_the_limit_sharing_a_contact_are_rejected_the_first_stay():
    """[S-6]"""
    campaign = make_campaign(max_fans_per_contact=1)
    rows = [
        registration_row(1, email="a.b@gmail.com"),
        registration_row(1, email="a.b@gmail.com", member_id="again"),
        registration_row(2, email="ab+1@gmail.com"),
        registration_row(3, phone="+12065550001"),
        registration_row(4),
    ]
    rows[0]["phone"] = rows[1]["phone"] = "+12065550001"
    found = import_registrations(campaign, rows)
    assert reasons(found) == [(2, "superseded"), (4, "shared_contact"), (5, "shared_contact")]
