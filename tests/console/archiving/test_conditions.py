"""What must be over, stored and equal before a campaign is archived. [C-2, X-9]"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db.models import F

from campaigns.models import Registrant, ScoreFile
from console.archiving import conditions
from console.archiving.conditions import NotArchivable
from console.erasure import receipts
from datalake import save
from datalake.models import LakeFile
from datalake.storage import buckets
from operations.database.clock import database_time
from operations.models import Job
from tests.support.lake import publish_registrations
from tests.support.waves import campaign_with, person

pytestmark = pytest.mark.django_db


def parity_of(campaign) -> None:
    conditions.require_parity(campaign, since=database_time(), on_step=lambda: None)


@pytest.mark.parametrize(
    ("kind", "subject_kind"),
    [
        ("make_proof", "campaign"),
        ("send_wave", "wave"),
        ("fairness", "fairness_report"),
        ("import_registrations", "registration_import"),
    ],
)
def test_c2_a_job_of_the_campaign_that_is_at_work_or_tried_again_is_waited_for(kind, subject_kind):
    campaign = campaign_with(1)
    wave = campaign.waves.create(date_key="20260121", name=f"{campaign}_1", notify_date=_noon(1))
    found = campaign.imports.create(name="a", key="a", sha256="a")
    subject_id = {
        "campaign": campaign.campaign_id,
        "wave": wave.name,
        "fairness_report": str(campaign.active_score_file_id),
        "registration_import": str(found.pk),
    }[subject_kind]
    job = Job.objects.create(kind=kind, subject_kind=subject_kind, subject_id=subject_id)
    with pytest.raises(NotArchivable, match=rf"Job {job.pk} .* is not finished"):
        conditions.require_quiet(campaign, but_for=0)
    Job.objects.filter(pk=job.pk).update(state="failed", error="e", retry_at=database_time())
    with pytest.raises(NotArchivable):
        conditions.require_quiet(campaign, but_for=0)
    conditions.require_quiet(campaign, but_for=job.pk)
    Job.objects.filter(pk=job.pk).update(retry_at=None)
    conditions.require_quiet(campaign, but_for=0)


def _noon(day: int) -> datetime:
    return datetime(2026, 1, day, 12, tzinfo=UTC)


def test_c2_x9_a_day_of_the_campaign_that_differs_is_named_and_another_campaigns_is_not():
    campaign = campaign_with(1)
    ScoreFile.objects.update(state="saved")
    publish_registrations(1, key="ours")  # of 20 January
    save.save("input")
    LakeFile.objects.update(records=F("records") + 1)
    for first, last in ((19, 20), (20, 25), (3, 28)):
        Registrant.objects.update(registered_at=_noon(first), changed_at=_noon(last))
        with pytest.raises(NotArchivable, match="differ in registration 2026-01-20"):
            parity_of(campaign)
    for first, last in ((3, 19), (21, 28)):
        Registrant.objects.update(registered_at=_noon(first), changed_at=_noon(last))
        parity_of(campaign)


def test_c2_what_the_lake_has_not_saved_is_waited_for():
    campaign = campaign_with(1)
    ScoreFile.objects.update(state="saved")
    parity_of(campaign)
    earlier = database_time()
    publish_registrations(1, key="others")
    conditions.require_parity(campaign, since=earlier, on_step=lambda: None)
    with pytest.raises(NotArchivable, match="Records on stream input are not in the data lake"):
        parity_of(campaign)
    ScoreFile.objects.update(state="streamed")
    with pytest.raises(NotArchivable, match="is not in the data lake yet"):
        conditions.require_parity(campaign, since=earlier, on_step=lambda: None)


def test_x9_the_days_of_a_campaign_span_its_first_and_last_record_of_each_type():
    campaign = campaign_with(2)
    one, two = Registrant.objects.order_by("pk")
    Registrant.objects.filter(pk=one.pk).update(registered_at=_noon(2), changed_at=_noon(3))
    Registrant.objects.filter(pk=two.pk).update(registered_at=_noon(4), changed_at=_noon(5))
    ScoreFile.objects.update(state="saved", created_at=_noon(6))
    assert conditions.days_of(campaign) == {
        "registration": (date(2026, 1, 2), date(2026, 1, 5)),
        "scoring": (date(2026, 1, 6), date(2026, 1, 6)),
    }


def test_c2_a_lake_file_of_a_day_of_the_campaign_that_is_away_keeps_it_from_being_archived():
    campaign = campaign_with(1)
    ScoreFile.objects.update(state="saved")
    publish_registrations(1, key="ours")  # of 20 January
    save.save("input")
    key = LakeFile.objects.get().key
    content = buckets.campaign_data().open(key).read()
    for spoiled in (None, content[:-20] + bytes(20)):
        buckets.campaign_data().delete(key)
        if spoiled is not None:
            buckets.campaign_data().put(key, spoiled)
        Registrant.objects.update(registered_at=_noon(20), changed_at=_noon(20))
        with pytest.raises(NotArchivable, match=f"{key} .* is missing or damaged"):
            parity_of(campaign)
        Registrant.objects.update(registered_at=_noon(21), changed_at=_noon(21))
        parity_of(campaign)


def test_c2_x11_while_an_erasure_is_open_no_campaign_is_archived():
    campaign = campaign_with(1)
    receipt = receipts.begin("fan-000000", by=person("ann"), reason="asked")
    with pytest.raises(NotArchivable, match=f"Erasure {receipt.pk} is not finished"):
        conditions.require_quiet(campaign, but_for=0)
    receipts.finish(receipt, database_time(), [])
    conditions.require_quiet(campaign, but_for=0)
