"""What is counted for statistics, and what is not counted again. [O-3]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from campaigns.models import Registrant, ScoreFile
from campaigns.opening import delete_draft
from stats.models import KeptCount, RegistrantCount
from stats.snapshots import counting
from stats.snapshots.counting import add_up, figures_of, kept, registrants
from stats.snapshots.figures import EVERY, instant_of
from tests.stats.rows import messages
from tests.support.campaigns import make_campaign
from tests.support.sending import triggered_wave
from tests.support.waves import NOW, campaign_with, person
from waves.models import Code, FigureBlock, Wave, WaveMarket

pytestmark = pytest.mark.django_db
AT = instant_of(NOW)


def register(campaign, *fans, confirmed=False) -> None:
    dates = {"registered_at": NOW, "changed_at": NOW}
    Registrant.objects.bulk_create(
        Registrant(campaign=campaign, global_user_id=fan, phone_confirmed=confirmed, **dates)
        for fan in fans
    )


def test_o3_registrants_are_counted_by_the_statements_that_change_them():
    campaign, other = make_campaign("one"), make_campaign("two")
    register(campaign, "a", "b", "c")
    register(campaign, "d", "e", confirmed=True)
    register(other, "a")
    Registrant.objects.filter(campaign=campaign, global_user_id="a").update(phone_confirmed=True)
    Registrant.objects.filter(campaign=campaign).update(tags="seen")
    assert registrants(campaign) == (5, 3)
    Registrant.objects.filter(campaign=campaign, global_user_id__in=["a", "b"]).delete()
    Registrant.objects.filter(campaign=campaign, global_user_id="d").update(phone_confirmed=False)
    assert registrants(campaign) == (3, 1)
    assert registrants(other) == (1, 0)


def test_o3_a_fan_who_registers_again_counts_once():
    campaign = make_campaign("one")
    register(campaign, "a")
    again = {"registered_at": NOW, "changed_at": NOW, "phone_confirmed": True}
    Registrant.objects.bulk_create(
        [Registrant(campaign=campaign, global_user_id=fan, **again) for fan in ("a", "b")],
        update_conflicts=True,
        unique_fields=["campaign", "global_user_id"],
        update_fields=["phone_confirmed"],
    )
    assert registrants(campaign) == (2, 2)


def test_o3_the_changes_of_registrants_are_added_up_to_one_row():
    campaign, draft = make_campaign("one"), make_campaign("two", opened=False)
    register(campaign, "a")
    register(campaign, "b", confirmed=True)
    Registrant.objects.filter(campaign=campaign).update(phone_confirmed=F("phone_confirmed"))
    assert RegistrantCount.objects.count() == 2  # nobody's phone changed
    register(draft, "a")
    Registrant.objects.filter(campaign=draft).delete()
    delete_draft(draft.pk, by=person("someone"))
    add_up()
    assert [(row.registered, row.confirmed) for row in RegistrantCount.objects.all()] == [(2, 1)]
    add_up()
    assert registrants(campaign) == (2, 1)


def test_o3_the_figures_of_a_campaign_are_those_that_its_files_and_waves_keep():
    wanted = [["east"]] * 2 + [["east", "west"]] * 3 + [[]] * 5
    campaign = campaign_with(fans=10, preferences=wanted)
    ScoreFile.objects.filter(pk=campaign.active_score_file_id).update(
        rows_in=12,
        accepted=10,
        rejected=2,
        rejected_by={"duplicate": 2},
        bands={"mid": 4, "low": 6},
    )
    Code.objects.create(campaign=campaign, code="FREE1")
    Code.objects.create(campaign=campaign, code="FREE2", source="partner")
    found = figures_of(campaign, at=AT)
    assert (found.registered, found.confirmed) == (10, 0)
    assert (found.scored, found.accepted, found.rejected) == (12, 10, 2)
    assert (found.rejected_by, found.bands) == ({"duplicate": 2}, {"mid": 4, "low": 6})
    assert found.wanted == {"east": 5, "west": 3}
    assert found.codes == {"free": 2, "reserved": 0, "assigned": 0}
    assert (found.selected, found.messages) == ({}, {"sms": {}, "email": {}})


def test_o3_messages_and_codes_of_a_wave_are_counted_by_what_became_of_them():
    wave = triggered_wave(members=8)
    messages(
        wave,
        "sms",
        *("sent", "delivered", "undeliverable", "failed", "unknown", "pending", "sending"),
        "skipped",
        sent_at=NOW,
    )
    messages(wave, "email", "pending", "sent", sent_at=NOW)
    held = {"campaign": wave.campaign, "wave": wave}
    for state, fan in (("reserved", "a"), ("assigned", "b"), ("published", "c")):
        Code.objects.create(code=f"CODE{fan}", state=state, global_user_id=fan, **held)
    found = figures_of(wave.campaign, at=AT)
    assert found.codes == {"free": 0, "reserved": 1, "assigned": 2}
    assert found.messages["sms"] == {
        "sent": 3,
        "delivered": 1,
        "undeliverable": 1,
        "failed": 1,
        "unknown": 1,
        "waiting": 2,
        "queued": 0,
    }
    assert (found.messages["email"]["queued"], found.messages["email"]["sent"]) == (2, 1)


def test_o3_messages_are_counted_of_waves_that_were_triggered():
    """The members of others may still change."""
    wave = triggered_wave(members=2)
    Wave.objects.filter(pk=wave.pk).update(state="prepared", triggered_at=None)
    assert figures_of(wave.campaign, at=AT).messages == {"sms": {}, "email": {}}
    assert not FigureBlock.objects.exists()


@pytest.mark.parametrize(
    ("state", "fans"), [("triggered", {"us-west": 8}), ("cancelled", {}), ("configured", {})]
)
def test_o3_selected_are_the_fans_of_waves_that_hold_them(state, fans):
    wave = triggered_wave(members=8)
    Wave.objects.filter(pk=wave.pk).update(state=state)
    assert WaveMarket.objects.get(wave=wave).selected == 8
    assert counting.selected(wave.campaign) == fans


def test_o3_a_count_is_kept_until_its_rest_is_over_or_its_state_is_another():
    asked = []

    def count():
        asked.append(1)
        return {"free": 7}

    def looked(state: str, minutes: int) -> int:
        assert kept("codes", state, count, at=AT + timedelta(minutes=minutes)) == {"free": 7}
        KeptCount.objects.update(seconds=0.0)
        return len(asked)

    assert [looked("open", 5 * n) for n in range(7)] == [1, 2, 3, 3, 3, 4, 4]
    assert looked("closed", 31) == 5


def test_o3_who_wants_which_market_is_counted_once_for_each_score_file(monkeypatch):
    campaign = campaign_with(fans=3, preferences=[["west"]] * 3)
    figures_of(campaign, at=AT)
    with CaptureQueriesContext(connection) as asked:
        assert figures_of(campaign, at=AT + 1000 * EVERY).wanted == {"west": 3}
    assert [each for each in asked if "campaigns_fanscore" in each["sql"]] == []


def test_o3_no_count_reads_the_registrants():
    campaign = campaign_with(fans=3)
    with CaptureQueriesContext(connection) as asked:
        assert figures_of(campaign, at=AT).registered == 3
    assert [each for each in asked if "campaigns_registrant" in each["sql"]] == []
