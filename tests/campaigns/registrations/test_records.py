"""Registrations that came late on the stream wait for a person. [S-8, C-4]"""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from campaigns.errors import CannotTakeIn, LateRefused
from campaigns.models import Campaign, LateChange, Registrant
from campaigns.registrations import imports, records
from datalake import streams
from datalake.choices import StreamName
from datalake.dead_letters import replay
from datalake.erased.fans import mark
from datalake.models import DeadLetter
from datalake.streams import consumers
from operations.choices import JobState
from operations.models import Job
from tests.campaigns.registrations.registration_cases import from_elsewhere
from tests.support.campaigns import (
    import_registrations,
    in_memory,
    make_campaign,
    process_scores,
    registration_bytes,
    registration_row,
)
from tests.support.people import client_of, keeper, late_arguments, member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)


def on_stream(campaign: Campaign, *numbers: int) -> None:
    taken = [from_elsewhere(campaign, number) for number in numbers]
    given = [streams.Record(each["globalUserId"], each) for each in taken]
    streams.publish(StreamName.INPUT, given, key=f"elsewhere:{numbers}")
    consumers.consume([records.CONSUMER], once=True)


def fans() -> set[str]:
    return set(Registrant.objects.values_list("global_user_id", flat=True))


def test_s8_late_records_wait_as_dead_letters_and_are_taken_in_for_a_reason():
    campaign = make_campaign()
    on_stream(campaign, 1)
    process_scores(campaign)  # of fans 1 and 2
    on_stream(campaign, 1, 2, 3)  # 1 is known
    assert (fans(), records.waiting(campaign).count()) == ({"fan-1"}, 2)
    for by, reason in ((staff("ann"), "a slow partner"), (keeper(), " ")):
        with pytest.raises(LateRefused):
            records.take_late(campaign.pk, by=by, reason=reason)
    assert records.take_late(campaign.pk, by=keeper(), reason="a slow partner") == 2
    assert (fans(), records.waiting(campaign).count()) == ({"fan-1", "fan-2", "fan-3"}, 0)
    change = LateChange.objects.get()
    assert (change.subject, change.moved) == ("2 registrations from the stream", 1)
    with pytest.raises(CannotTakeIn):
        records.take_late(campaign.pk, by=keeper(), reason="again")


def test_x11_a_record_from_before_the_erasure_brings_nobody_back_and_is_no_dead_letter():
    campaign = make_campaign()
    mark("fan-1")
    on_stream(campaign, 1, 2)
    assert (fans(), DeadLetter.objects.count()) == ({"fan-2"}, 0)


def test_x11_late_records_of_erased_fans_are_not_counted_as_accepted():
    campaign = make_campaign()
    process_scores(campaign)
    on_stream(campaign, 1, 2)
    mark("fan-1")
    assert records.take_late(campaign.pk, by=keeper(), reason="a slow partner") == 1
    assert LateChange.objects.get().subject == "1 registration from the stream"


def test_s8_a_late_record_that_is_replayed_as_it_is_waits_again():
    campaign = make_campaign()
    process_scores(campaign)
    on_stream(campaign, 1)
    replay.replay_all()
    consumers.consume([records.CONSUMER], once=True)
    assert (fans(), records.waiting(campaign).count()) == (set(), 1)
    assert DeadLetter.objects.count() == 2


def test_s8_what_we_published_in_time_comes_back_late_and_waits_for_nobody():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1), registration_row(2)])
    process_scores(campaign)
    consumers.consume([records.CONSUMER], once=True)
    assert not DeadLetter.objects.exists()


def test_s8_a_file_that_was_not_imported_in_time_waits_for_a_person():
    campaign = make_campaign()
    content = registration_bytes([registration_row(1), registration_row(7)])
    found = imports.receive(campaign, "late.csv", in_memory(content), by=None)
    process_scores(campaign)
    job = imports.open_job(found, by=None)
    with pytest.raises(LateRefused, match="A person must take it in"):
        imports.process(job.pk)
    found.campaign.refresh_from_db()
    job = Job.objects.get(pk=job.pk)
    assert (fans(), job.state, imports.waits_for_a_person(found, job)) == (
        set(),
        JobState.FAILED,
        True,
    )
    both = client_of(member_of("operator", "approver"))
    page = both.get(f"/admin/registrations/{found.pk}/").content.decode()
    assert "This file is late" in page
    both.post(f"/admin/registrations/{found.pk}/take/", {"reason": "a slow worker"})
    imports.process(job.pk)
    assert fans() == {"fan-1", "fan-7"}
    change = LateChange.objects.get()
    assert (change.reason, change.moved) == ("a slow worker", 1)


def test_s8_a_late_file_needs_its_reason_before_it_is_stored():
    campaign = make_campaign()
    process_scores(campaign)
    campaign.refresh_from_db()
    content = registration_bytes([registration_row(1)])
    with pytest.raises(LateRefused, match="This registration file"):
        imports.receive(campaign, "late.csv", in_memory(content), by=keeper())


def test_s8_fans_who_only_say_the_same_again_are_not_moved():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1), registration_row(2)])
    process_scores(campaign)
    newer = {"date_created": "2026-01-09T10:00:00Z"}
    again = [registration_row(1, **newer), registration_row(2, email="b@mail.example", **newer)]
    import_registrations(campaign, again)
    assert LateChange.objects.get().moved == 1


def test_s8_the_command_takes_them_in():
    campaign, out = make_campaign(), StringIO()
    process_scores(campaign)
    on_stream(campaign, 1)
    arguments = [campaign.campaign_id, *late_arguments(), "--json"]
    call_command("take_late_registrations", *arguments, stdout=out, stderr=StringIO())
    assert json.loads(out.getvalue())["accepted"] == 1
