"""A fan is taken out of a campaign's rows. [X-11, S-13]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from campaigns.erasure import erase_rows, refuse_while_processed
from campaigns.locks import lock_campaign
from campaigns.models import FanScore, Registrant
from campaigns.scoring import score_files
from datalake.erased.erasing import Sought
from datalake.erased.names import name_of
from datalake.errors import EraseLater
from operations.choices import JobState
from operations.database.statements import run
from operations.models import Job
from tests.support.campaigns import (
    import_registrations,
    make_campaign,
    process_scores,
    receive_scores,
    registration_row,
    score_file_bytes,
    score_row,
)

pytestmark = pytest.mark.django_db(transaction=True)
ME = Sought("fan-1", 1)


def erased(campaign):
    places = []
    with transaction.atomic():
        run("SET LOCAL fairwave.erasure = 'on'")
        erase_rows(lock_campaign(campaign.pk), ME, places.append)
    return {place.name: place.count for place in places}


def test_x11_reference_score_preferences_and_place_stay_and_what_leads_to_the_fan_goes():
    campaign = make_campaign()
    import_registrations(campaign, [registration_row(1), registration_row(2)])
    file = process_scores(campaign)
    before = FanScore.objects.filter(global_user_id="fan-1").values().get()
    other = FanScore.objects.filter(global_user_id="fan-2").values().get()
    assert erased(campaign) == {"registrations": 1, "scores": 1}
    name = name_of(campaign.campaign_id, ME.fan_id, ME.number)
    after = FanScore.objects.filter(global_user_id=name).values().get()
    gone = ("row_id", "member_id", "email", "phone", "phone_region", "country")
    assert after == before | dict.fromkeys(gone, "") | {"global_user_id": name}
    assert FanScore.objects.filter(global_user_id="fan-2").values().get() == other
    registrant = Registrant.objects.get(global_user_id=name)
    assert (registrant.email, registrant.phone, registrant.member_id) == ("", "", "")
    assert registrant.preferences == ["west", "east"]
    assert erased(campaign) == {}
    file.refresh_from_db()
    assert file.accepted == FanScore.objects.filter(score_file=file).count()


def test_s13_even_an_erasure_changes_nothing_that_the_draw_goes_by():
    process_scores(make_campaign())
    with pytest.raises(IntegrityError, match="never updated"), transaction.atomic():
        FanScore.objects.update(email="")
    with transaction.atomic():
        run("SET LOCAL fairwave.erasure = 'on'")
        with pytest.raises(IntegrityError, match="never updated"), transaction.atomic():
            FanScore.objects.update(band_score=0.9)


def test_x11_a_file_that_waits_for_the_public_value_is_drawn_and_published_without_the_fan():
    campaign = make_campaign(entropy_source="drand round 5551234")
    process_scores(campaign)
    assert erased(campaign) == {"scores": 1}


def test_x11_while_a_file_of_the_campaign_is_processed_or_will_be_again_the_erasure_waits():
    campaign = make_campaign()
    rows = score_file_bytes([score_row(1)])
    job = score_files.open_job(receive_scores(campaign, rows), by=None)
    with pytest.raises(EraseLater, match="is being processed"), transaction.atomic():
        refuse_while_processed(lock_campaign(campaign.pk))
    failed = {"state": JobState.FAILED, "error": "down"}
    Job.objects.filter(pk=job.pk).update(**failed, retry_at=Now())
    with pytest.raises(EraseLater, match="is being processed"), transaction.atomic():
        refuse_while_processed(lock_campaign(campaign.pk))
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, error="", retry_at=None)
    score_files.process(job.pk)
    with transaction.atomic():
        refuse_while_processed(lock_campaign(campaign.pk))
