"""Registrations go on the stream, each once, whoever is killed. [C-5]"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Campaign, Registrant, RegistrationImport
from campaigns.registrations import imports, publishing
from campaigns.registrations.records import take_from_stream
from datalake import records
from datalake.choices import RecordType
from datalake.erased.fans import mark
from datalake.erased.names import name_of
from operations import instants, jobs
from operations.choices import JobState
from operations.errors import CannotStop
from tests.campaigns.registrations.registration_cases import (
    at,
    from_elsewhere,
    process,
    published,
    receive,
    unpublished,
)
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    registration_bytes,
    registration_row,
)
from tests.support.connections import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


def imported_but_unpublished(monkeypatch, campaign: Campaign, *rows: dict) -> RegistrationImport:
    with monkeypatch.context() as patch:
        patch.setattr(imports, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        found = receive(campaign, registration_bytes(rows))
        with pytest.raises(KeyboardInterrupt):
            process(found)
    return found


def test_a_publication_that_ends_half_way_goes_on_where_it_stands(monkeypatch):
    """[C-5] Each registration is published, and once."""
    monkeypatch.setattr(publishing, "PUBLISH_AT_A_TIME", 3)
    campaign, real, calls = make_campaign(), publishing._publish_some, []

    def dying(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    found = receive(campaign, registration_bytes([registration_row(n) for n in range(20)]))
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_publish_some", dying)
        with pytest.raises(KeyboardInterrupt):
            process(found)
    assert 0 < len(published()) < 20
    process(found)
    assert sorted(record["globalUserId"] for record in published()) == sorted(
        f"fan-{n}" for n in range(20)
    )


def test_files_that_are_published_cost_one_query_however_many_there_are(
    django_assert_num_queries,
):
    campaign = make_campaign()
    for number in range(3):
        import_registrations(campaign, [registration_row(number)])
    with django_assert_num_queries(1):
        assert publishing.publish(campaign) == 0


def published_of(campaign: Campaign) -> int:
    return sum(record["campaignId"] == campaign.campaign_id for record in published())


def test_o1_an_import_can_be_paused_while_it_publishes_and_goes_on_there(monkeypatch):
    monkeypatch.setattr(publishing, "PUBLISH_AT_A_TIME", 2)
    campaign = make_campaign()
    rows = registration_bytes([registration_row(number) for number in range(5)])
    job = imports.open_job(receive(campaign, rows), by=None)
    real = publishing._publish_some

    def paused_meanwhile(*arguments: object) -> int:
        assert elsewhere(lambda: jobs.request_stop(job.pk, "pause"))
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_publish_some", paused_meanwhile)
        imports.process(job.pk)
    job.refresh_from_db()
    assert (job.state, published_of(campaign)) == (JobState.PAUSED, 2)
    with pytest.raises(CannotStop, match="imported already"):
        jobs.request_stop(job.pk, "cancel")
    assert jobs.requeue(job.pk)
    imports.process(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_out, published_of(campaign)) == (JobState.DONE, 5, 5)


def test_registration_records_are_valid_and_have_the_identity_of_their_date():
    """[T-5]"""
    campaign = make_campaign("12345")
    import_registrations(
        campaign,
        [registration_row(1, phone_confirmed="no", date_created="2026-01-05T12:00:00.5+02:00")],
    )
    (record,) = published()
    assert record == records.normalise(record)
    assert record["date"] == {"created": "2026-01-05T10:00:00.500Z"}
    assert record["dedupeHash"] == records.dedupe_hash(record)
    assert (record["type"], record["marketId"], record["tags"]) == (
        RecordType.REGISTRATION,
        "west",
        ["unconfirmed_phone"],
    )


def test_c5_what_another_file_left_unpublished_the_next_one_publishes(monkeypatch):
    campaign = make_campaign()
    left = imported_but_unpublished(monkeypatch, campaign, registration_row(1))
    assert unpublished(campaign).count() == 1
    import_registrations(campaign, [registration_row(2)])
    process(left)
    assert [record["globalUserId"] for record in published()] == ["fan-1", "fan-2"]
    assert not unpublished(campaign).exists()


def test_c5_what_is_superseded_before_it_is_published_is_published_as_it_is_then(monkeypatch):
    campaign = make_campaign()
    left = imported_but_unpublished(monkeypatch, campaign, registration_row(1), registration_row(2))
    newer = registration_row(1, member_id="newer", date_created=at(9))
    import_registrations(campaign, [newer])
    process(left)
    assert [record["memberId"] for record in published()] == ["member-2", "newer"]


def test_c5_another_row_of_the_same_date_is_published_once_with_what_is_known(monkeypatch):
    """It has the identity of the one before. [T-5]"""
    campaign = make_campaign()
    left = imported_but_unpublished(monkeypatch, campaign, registration_row(1))
    import_registrations(campaign, [registration_row(1, member_id="corrected")])
    import_registrations(campaign, [registration_row(1, member_id="again"), registration_row(2)])
    process(left)
    assert [record["memberId"] for record in published()] == ["corrected", "member-2"]
    assert Registrant.objects.filter(member_id="again").exists()


@pytest.mark.parametrize("by_stream", [False, True])
def test_x11_what_waits_to_be_published_gives_a_newer_registration_nothing_after_an_erasure(
    monkeypatch, by_stream
):
    campaign = make_campaign()
    row = registration_row(1, language="fr")
    left = imported_but_unpublished(monkeypatch, campaign, row)
    mark("fan-1")
    now = instants.stamp(timezone.now() + timedelta(milliseconds=1))
    if by_stream:
        newer = from_elsewhere(campaign, memberId="newer", date={"created": now})
        with transaction.atomic():
            assert take_from_stream([newer]) == {}
    else:
        import_registrations(campaign, [registration_row(1, member_id="newer", registered_at=now)])
    process(left)
    fan = Registrant.objects.get(global_user_id="fan-1")
    assert (fan.member_id, fan.language, instants.stamp(fan.registered_at)) == ("newer", "", now)
    name = name_of(campaign.campaign_id, "fan-1", 1)
    aside = Registrant.objects.get(global_user_id=name)
    assert (aside.email, aside.language) == ("fan1@mail.example", "fr")
    of_it = next(record for record in published() if record["globalUserId"] == name)
    assert [of_it[contact] for contact in ("memberId", "email", "phone")] == [None] * 3
    assert of_it["date"] == {"created": instants.stamp(aside.changed_at)}
    assert len(published()) == (1 if by_stream else 2)
    assert not unpublished(campaign).exists()


@given(st.datetimes(min_value=instants.datetime(2000, 1, 1)))
def test_t5_dates_of_the_database_are_stamped_as_all_others(written):
    """Whatever PostgreSQL leaves out at the end of its fraction."""
    text = written.isoformat(" ")
    text = text.rstrip("0") if "." in text else text
    (stamped,) = pl.select(publishing._stamp(pl.lit(text))).to_series()
    assert stamped == instants.stamp(written.replace(tzinfo=instants.UTC))
