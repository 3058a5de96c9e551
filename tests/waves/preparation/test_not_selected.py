"""Fans who were left out are told so in a wave of their own. [X-8]"""

from __future__ import annotations

import io
import zipfile

import polars as pl
import pytest
from django.db import IntegrityError

from campaigns.models import Registrant
from datalake.storage import buckets
from tests.support.database.kept import keep
from tests.support.waves import (
    NOTIFY,
    NOW,
    approve,
    campaign_with,
    counted,
    person,
    published,
    request,
    sent_out,
)
from waves import schedule
from waves.actions import cancel
from waves.errors import FansWereTold, NotEverybody, WrongState
from waves.holds import Freed, freed_by, seats_given
from waves.models import Code, Member, Send, Wave
from waves.preparation import not_selected, top_up
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "20260121-2"


def first_wave() -> Wave:
    """Of twelve fans three are selected and sent their code, one is not registered, one wants
    another market: seven are left.
    """
    wanted = [["west"]] * 11 + [["elsewhere"]]
    campaign = campaign_with(12, {"west": 3}, preferences=wanted)
    Registrant.objects.filter(campaign=campaign, global_user_id="fan-000000").delete()
    return sent_out(prepare(request(campaign), by=person("ann"), now=NOW).wave)


kept_wave = keep(first_wave)


@pytest.fixture
def campaign():
    return kept_wave().campaign


def told(campaign, key: str = KEY) -> Wave:
    asked = not_selected.request_of(campaign.campaign_id, key, NOTIFY)
    return prepare(asked, by=person("ann"), now=NOW).wave


def test_x8_all_who_are_left_are_members_without_market_code_or_seat(campaign):
    seats, codes = seats_given(campaign.pk), Code.objects.count()
    waiting = preview(request(campaign, KEY), now=NOW).planned.selection.waitlist
    wave = told(campaign)
    members = wave.members.order_by("place")
    assert [member.global_user_id for member in members] == waiting["global_user_id"].to_list()
    assert {(member.market, member.code) for member in members} == {(None, "")}
    assert (seats_given(campaign.pk), Code.objects.count()) == (seats, codes)
    assert wave.excluded == {"not_registered": 1, "already_in_wave": 3, "no_market_wanted": 1}
    assert (wave.kind, wave.selected, wave.waitlist) == ("not_selected", 7, 0)


def test_x8_it_is_counted_a_second_time_approved_and_sent_like_any_wave(campaign):
    before = len(published())
    wave = sent_out(counted(told(campaign)))
    assert (wave.state, wave.count_problems) == ("completed", [])
    assert Send.objects.filter(wave=wave, channel="sms").count() == 7
    assert len(published()) == before


def test_x8_the_second_count_finds_a_fan_who_was_passed_over(campaign):
    """X-14"""
    wave = told(campaign)
    Member.objects.filter(wave=wave, place=2).delete()
    assert any(problem.startswith("Member 2:") for problem in counted(wave).count_problems)


def test_x8_selected_not_selected_and_excluded_are_all_accepted_fans(campaign):
    asked = not_selected.request_of(campaign.campaign_id, KEY, NOTIFY)
    planned = preview(asked, now=NOW).planned
    not_selected.require_everybody(planned)
    file = planned.plan.score_file
    file.accepted += 1
    with pytest.raises(NotEverybody, match=r"has 13 accepted fans, but .* are 12 in all"):
        not_selected.require_everybody(planned)


def test_x8_the_preview_warns_that_top_ups_end_and_says_how_many_seats_are_free(campaign):
    campaign.markets.update(capacity=5)
    asked = not_selected.request_of(campaign.campaign_id, KEY, NOTIFY)
    warning = not_selected.what_ends(preview(asked, now=NOW).planned.plan)
    assert warning.startswith("Top-ups end with this wave")
    assert warning.endswith("2 seats are still free.")


def test_x8_afterwards_a_top_up_is_refused_until_the_wave_is_cancelled_unsent(campaign):
    campaign.markets.update(capacity=5)
    wave = told(campaign)
    asked = top_up.request_of(campaign.campaign_id, "20260121-3", NOTIFY)
    with pytest.raises(FansWereTold, match=rf"wave {wave.name} tells the fans .* Cancel it first"):
        preview(asked, now=NOW)
    Wave.objects.filter(pk=wave.pk).update(state="cancelled")
    assert preview(asked, now=NOW).planned.selection.members.height == 2
    Wave.objects.filter(pk=wave.pk).update(triggered_at=NOW)
    with pytest.raises(FansWereTold, match=f"wave {wave.name} told the fans"):
        preview(asked, now=NOW)


def test_x8_no_later_wave_selects_whom_it_told(campaign):
    told(campaign)
    campaign.markets.update(capacity=9)
    assert preview(request(campaign, "20260121-3"), now=NOW).planned.selection.members.is_empty()


def cancelled_after_its_trigger(campaign) -> Wave:
    wave, bob = told(campaign), person("bob")
    approve(wave, by=bob, digest=wave.content_digest, now=NOW)
    schedule.schedule(wave, by=bob, now=NOW)
    schedule.check_due_waves(now=wave.notify_date)
    wave.refresh_from_db()
    return cancel(wave, by=bob, reason="wrong text")


def test_x8_nor_does_one_after_it_was_cancelled_in_the_middle_and_the_second_count_agrees(
    campaign,
):
    """X-14: who registers now is selected in their place."""
    registrant = Registrant.objects.get(campaign=campaign, global_user_id="fan-000001")
    wave = cancelled_after_its_trigger(campaign)
    assert freed_by(wave) == Freed(bound=7, free=0, contacted=False)
    campaign.markets.update(capacity=9)
    registrant.pk, registrant.global_user_id = None, "fan-000000"
    registrant.save()
    later = counted(prepare(request(campaign, "20260121-3"), by=person("ann"), now=NOW).wave)
    assert [member.global_user_id for member in later.members.all()] == ["fan-000000"]
    assert later.excluded == {"already_in_wave": 10, "no_market_wanted": 1}
    assert later.count_problems == []
    assert later.counted_digest


def test_x8_the_fans_of_a_wave_that_was_cancelled_in_the_middle_can_be_told_in_another(campaign):
    cancelled_after_its_trigger(campaign)
    again = counted(told(campaign, "20260121-3"))
    assert (again.selected, again.count_problems) == (7, [])


def test_x8_nobody_is_told_while_another_wave_may_still_select_them(campaign):
    campaign.markets.update(capacity=5)
    open_wave = prepare(request(campaign, "20260121-3"), by=person("ann"), now=NOW).wave
    with pytest.raises(WrongState, match=f"Wave {open_wave.name} is prepared. Send or cancel it"):
        told(campaign)


def test_x8_nobody_was_left_out_before_a_wave_was_sent():
    with pytest.raises(WrongState, match="no wave has been sent yet"):
        told(campaign_with(3))


def test_x8_it_has_no_rules_of_its_own_and_stays_of_its_kind(campaign):
    told(campaign)
    with pytest.raises(WrongState, match="no markets, order or minimum score of its own"):
        preview(request(campaign, KEY, min_score=0.5), now=NOW)
    with pytest.raises(WrongState, match="is of another kind"):
        preview(not_selected.request_of(campaign.campaign_id, "20260121", NOTIFY), now=NOW)


def test_x8_only_there_may_a_member_be_without_a_market(campaign):
    wave, selected = told(campaign), Wave.objects.get(date_key="20260121")
    assert {wave.selects, selected.selects} == {False, True}
    with pytest.raises(IntegrityError, match="member_has_a_market"):
        Member.objects.filter(wave=wave).update(market=campaign.markets.get())


def test_x8_its_files_have_one_list_for_all(campaign):
    """W-8"""
    wave = told(campaign)
    with buckets.scoring().open(wave.zip_key) as file, zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == [
            f"{folder}/not_selected.csv" for folder in ("email", "masterCodes", "sms")
        ]
        lists = pl.read_csv(io.BytesIO(archive.read("masterCodes/not_selected.csv")))
    assert lists.height == 7
    assert lists["marketId"].null_count() == lists["code"].null_count() == 7
