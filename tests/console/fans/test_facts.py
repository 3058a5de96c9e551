"""What is known of one fan in one campaign. [X-1, X-11]"""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.models import Campaign, FanScore, Registrant, RegistrationImport
from campaigns.opening import draw_of
from console.fans import facts
from console.fans.facts import FanFacts
from console.fans.terms import term_of
from console.models import Erasure
from datalake.erased.fans import mark
from tests.console.fans.fan_cases import reject, rejected_row
from tests.support.waves import NOW, add_scores, campaign_with, person, request
from waves.models import Wave
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db


def of(campaign: Campaign, fan: str) -> FanFacts:
    return facts.of_fan(facts.of_campaign(campaign), fan)


def test_members_codes_and_waves_in_preparation_are_known():
    campaign = campaign_with(12)
    wave = prepare(request(campaign), by=person("ann"), now=NOW).wave
    Wave.objects.create(
        campaign=campaign, date_key="20260130", name="later", notify_date=NOW, state="configured"
    )
    member = wave.members.first()
    fan = of(campaign, member.global_user_id)
    assert ([row.pk for row in fan.members], fan.holds_code) == ([member.pk], False)
    assert (fan.facts.prepared, fan.facts.to_be_prepared) == ((wave.name,), ("later",))


def test_x11_a_finished_erasure_is_known_by_the_digest_of_the_id():
    campaign = campaign_with(1)
    at = timezone.now()
    Erasure.objects.create(
        fan_digest=mark("gone").digest,
        by=person("ann"),
        reason="asked",
        until=at,
        finished_at=at,
    )
    assert of(campaign, "gone").erased_at == at
    assert of(campaign, "fan-000000").erased_at is None


def test_every_look_up_by_contact_or_field_uses_an_index():
    """At millions of rows a page takes less than 200 ms."""
    campaign, term = campaign_with(1), term_of("206-555-0007", ["US"])
    rejected_row(campaign)
    reject(campaign, "")
    many = "generate_series(1, 5000) AS n"
    raw = "n || ',fan' || n || '@mail.example'"
    number = RegistrationImport.objects.get().pk
    with connection.cursor() as cursor:
        columns = "line, global_user_id, reason, raw, email, phone, member_id"
        values = f"n + 9, n, '', {raw}, nullif(n % 2, 0) || 'fan' || n, n, n FROM {many}"
        cursor.execute(
            f"INSERT INTO campaigns_rejectedregistration (registration_import_id, {columns})"
            f" SELECT {number}, {values}"
        )
        cursor.execute(
            f"INSERT INTO campaigns_rejectedrow (score_file_id, {columns})"
            f" SELECT {campaign.active_score_file_id}, {values}"
        )
        cursor.execute(
            "INSERT INTO campaigns_registrant (campaign_id, global_user_id, member_id, email, phone,"
            " phone_region, phone_confirmed, country, preferences, registered_at, changed_at, tags)"
            f" SELECT {campaign.pk}, 'other' || n, 'm' || n, 'e' || n || '@b.example',"
            f" '+1415' || n, 'US', true, 'US', '{{}}', now(), now(), '' FROM {many}"
        )
        cursor.execute("ANALYZE campaigns_registrant")
        cursor.execute("ANALYZE campaigns_rejectedregistration")
        cursor.execute("ANALYZE campaigns_rejectedrow")
        cursor.execute("SET LOCAL enable_seqscan = off")
    plans = [
        rows.explain()
        for rows in (
            Registrant.objects.filter(phone__in=term.phones, campaign=campaign),
            Registrant.objects.filter(email="a@b.example", campaign=campaign),
            Registrant.objects.filter(member_id="m", campaign=campaign),
            facts.rejected_registrations(term, [campaign.pk])[:20],
            facts.rejected_rows(term, campaign)[:20],
        )
    ]
    assert "registrant_phone" in plans[0]
    assert "registrant_email" in plans[1]
    assert "registrant_member_id" in plans[2]
    for kind in ("fan", "email", "phone", "member_id", "fields"):
        assert f" on rejectedregistration_{kind} " in plans[3]
        assert f"_by_{kind} " in plans[4]
    assert not any("Seq Scan" in plan for plan in plans)
    # an index in the order of the page would be walked from its end to its beginning
    assert all("line + 0)" in plan for plan in plans[3:])


def test_s8_the_receipt_of_a_fan_is_that_of_the_draw_and_there_is_none_before_it():
    campaign = campaign_with(1)
    receipt = facts.receipt_of(of(campaign, "fan-1"))
    assert receipt is not None
    assert receipt.fan_ref == draw_of(campaign).fan_ref("fan-1")
    draft = Campaign.objects.create(campaign_id="drafted", name="Autumn Tour")
    assert facts.receipt_of(of(draft, "fan-1")) is None


def test_what_the_active_score_file_says_is_not_cut_off_by_newer_ones(monkeypatch):
    monkeypatch.setattr(facts, "MOST_ROWS", 1)
    campaign = campaign_with(1)
    active = campaign.active_score_file_id
    fan = FanScore.objects.values_list("global_user_id", flat=True).get()
    add_scores(campaign, [fan], [0.5])
    Campaign.objects.update(active_score_file=active)
    campaign.refresh_from_db()
    assert [score.score_file_id for score in of(campaign, fan).scores] == [active]
