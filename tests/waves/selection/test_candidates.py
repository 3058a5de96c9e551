"""Who is a candidate, with which contact, and why the others are not. [W-5]"""

from __future__ import annotations

import pytest

from campaigns.models import ListEntry, Registrant
from tests.support.waves import NOW, campaign_with, counted, phone, request
from waves.choices import Channel, Exclusion, SuppressedBy
from waves.models import Member
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.suppression.contacts import Contact
from waves.suppression.suppressed import Ground, lift_own, suppress

pytestmark = pytest.mark.django_db

EMAIL, SMS = Channel.EMAIL, Channel.SMS


def test_w5_the_newest_contact_is_used_and_the_score_rows_where_there_is_none(ann):
    campaign = campaign_with(2, {"west": 2})
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000001").update(email="")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    emails = dict(Member.objects.filter(wave=wave).values_list("global_user_id", "email"))
    assert emails == {"fan-000000": "fan0@example.com", "fan-000001": "old3@example.com"}


def test_w5_everybody_who_is_no_candidate_is_counted_under_the_first_reason(ann):
    scores = [0.9, 0.9, 0.25, 0.9, 0.9, 0.9, 0.9, 0.9]
    preferences = [["west"], ["west"], ["west"], ["west"], ["west"], ["west"], ["gone"], ["west"]]
    campaign = campaign_with(
        8, {"west": 5}, raw_scores=scores, preferences=preferences, allow_intl_phones=False
    )

    def fan(n: int):
        return Registrant.objects.filter(campaign=campaign, global_user_id=f"fan-{n:06d}")

    fan(1).delete()
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="fan3@example.com")
    fan(4).update(phone="+442071838750", phone_region="GB")
    fan(5).update(registered_at=NOW)
    fan(7).update(email="bad@mail.bad.example")
    ListEntry.objects.create(kind="blacklist", pattern="@bad.example")
    decision = preview(request(campaign, min_score=0.3), now=NOW).planned
    assert decision.excluded == {
        Exclusion.NOT_REGISTERED: 1,
        Exclusion.BELOW_MINIMUM_SCORE: 1,
        Exclusion.BLACKLISTED_EMAIL: 1,
        Exclusion.BLACKLISTED_DOMAIN: 1,
        Exclusion.INTL_PHONE: 1,
        Exclusion.NO_MARKET_WANTED: 1,
        Exclusion.REGISTERED_TOO_LATE: 1,
    }
    assert decision.selection.members["global_user_id"].to_list() == ["fan-000000"]
    assert list(decision.as_result()["excluded"]) == [
        str(r) for r in Exclusion if r in decision.excluded
    ]


def test_s10_preferences_are_those_of_the_roster_and_of_who_registered_after_it_their_own(ann):
    campaign = campaign_with(
        3, {"west": 3, "east": 3}, rostered=["west", "", None], preferences=[["east"]] * 3
    )
    found = preview(request(campaign), now=NOW).planned.selection.members
    wanted = dict(found.select("global_user_id", "market_id").iter_rows())
    assert wanted == {"fan-000000": "west", "fan-000001": "west", "fan-000002": "east"}


def test_s5_a_phone_that_takes_no_sms_is_not_used(ann):
    campaign = campaign_with(2, {"west": 2}, home_countries=["DE"])
    fans = Registrant.objects.filter(campaign=campaign).order_by("global_user_id")
    for fan, number in zip(fans, ("+4930123456", "+491701234567"), strict=True):
        fans.filter(pk=fan.pk).update(phone=number, phone_region="DE")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    phones = dict(Member.objects.filter(wave=wave).values_list("global_user_id", "phone"))
    assert phones == {"fan-000000": "", "fan-000001": "+491701234567"}


def test_s5_an_unconfirmed_phone_is_not_used_where_confirmation_is_required(ann):
    campaign = campaign_with(2, {"west": 2}, require_confirmed_phone=True)
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000001").update(
        phone_confirmed=True
    )
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    phones = dict(Member.objects.filter(wave=wave).values_list("global_user_id", "phone"))
    assert phones == {"fan-000000": "", "fan-000001": phone(1)}


def test_n8_who_has_no_contact_left_is_excluded_and_who_has_one_keeps_it(ann):
    """For all campaigns or this one; another campaign's does not count, nor what is lifted."""
    campaign = campaign_with(5, {"west": 5})
    for fan, channel, cause in (
        *((0, EMAIL, SuppressedBy.UNSUBSCRIBED), (0, SMS, SuppressedBy.STOP)),
        *((1, EMAIL, SuppressedBy.COMPLAINT), (2, SMS, SuppressedBy.STOP)),
    ):
        suppress([contact(fan, channel)], Ground(cause, campaign if fan else None))
    suppress([contact(3, EMAIL), contact(3, SMS)], Ground(SuppressedBy.STOP, campaign_with(1)))
    suppress([contact(4, EMAIL), contact(4, SMS)], Ground(SuppressedBy.STOP))
    lift_own([contact(4, EMAIL), contact(4, SMS)], [SuppressedBy.STOP], "Replied START")
    prepared = prepare(request(campaign), by=ann, now=NOW)
    assert prepared.planned.excluded == {Exclusion.SUPPRESSED: 1}
    found = Member.objects.filter(wave=prepared.wave).order_by("global_user_id")
    assert list(found.values_list("global_user_id", "email", "phone")) == [
        ("fan-000001", "", phone(1)),
        ("fan-000002", "fan2@example.com", ""),
        ("fan-000003", "fan3@example.com", phone(3)),
        ("fan-000004", "fan4@example.com", phone(4)),
    ]
    assert counted(prepared.wave).count_problems == []


def contact(fan: int, channel: Channel) -> Contact:
    return Contact(channel, phone(fan) if channel == SMS else f"fan{fan}@example.com")
