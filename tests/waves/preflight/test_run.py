"""A pre-flight is run and kept with its wave. [X-6]"""

from __future__ import annotations

from decimal import Decimal

import pytest

from campaigns.models import Campaign
from tests.support.site.surroundings import found
from tests.support.waves import NOW, campaign_with, cleared, counted, person, request
from waves.errors import WrongState
from waves.models import Member, Preflight, Template, Wave
from waves.preflight.clearance import current_run
from waves.preflight.run import preflight
from waves.preparation.prepare import prepare
from waves.providers.outcomes import Health

pytestmark = pytest.mark.django_db
SMS = "{campaign} on {wave_date}: {code}"


@pytest.fixture
def wave() -> Wave:
    campaign = campaign_with(30)
    Template.objects.create(campaign=campaign, channel="sms", body=SMS)
    return counted(prepare(request(campaign), by=person("ann"), now=NOW).wave)


def colors(run: Preflight) -> dict[str, str]:
    return {line["name"]: line["ok"] for line in run.checks}


def test_x6_a_run_names_every_check_and_is_bound_to_the_content(wave, settings):
    settings.SMS_RATES = {"US": Decimal("0.0079")}
    run = preflight(wave, by=person("ann"))
    assert (run.digest, run.by.username, run.waiver) == (wave.content_digest, "ann", "")
    assert list(colors(run)) == [
        *("Access codes", "Messages", "Content of messages", "Opt-out in SMS"),
        *("SMS segments", "SMS cost"),
        *("Time to finish", "Second count", "Notify date", "Workers", "SMS provider"),
        *("E-mail provider", "Stopped providers", "Slack", "Address of links"),
    ]
    assert run.figures["segments"] == [{"encoding": "GSM-7", "segments": 1, "messages": 10}]
    assert run.figures["cost"] == [
        {"country": "US", "messages": 10, "segments": 10, "rate": "0.0079", "cost": "0.0790"}
    ]
    assert run.reds == 1  # the notify date of these tests is past
    assert colors(run)["Notify date"] == "red"


def test_x6_what_is_wrong_around_it_counts_as_red_lines(wave):
    def ask(channels, partner_codes):
        assert list(channels) == ["sms", "email"]
        return found(health=dict.fromkeys(channels, Health(False, "cannot be reached")))

    run = preflight(wave, by=None, ask=ask)
    assert run.reds == 3
    assert (colors(run)["SMS provider"], colors(run)["E-mail provider"]) == ("red", "red")


def test_x6_only_channels_that_reach_somebody_are_asked(wave):
    Member.objects.filter(wave=wave).update(email="")
    asked = []

    def ask(channels, partner_codes):
        asked.extend([*channels, partner_codes])
        return found()

    preflight(wave, by=None, ask=ask)
    assert asked == ["sms", False]


def test_x6_the_samples_are_rows_with_the_longest_and_the_shortest(wave):
    longest = Member.objects.filter(wave=wave).order_by("-id")[3]
    shortest = Member.objects.filter(wave=wave).order_by("id")[3]
    Member.objects.filter(pk=longest.pk).update(code="L" * 30)
    Member.objects.filter(pk=shortest.pk).update(code="S")
    samples = preflight(wave, by=None).figures["samples"]
    assert (samples["longest"], samples["shortest"]) == (longest.pk, shortest.pk)
    assert len(samples["members"]) == 10


def test_x6_a_later_run_takes_the_place_of_one_that_nobody_approved_by(wave):
    first = preflight(wave, by=None)
    approved = Preflight.objects.create(wave=wave, digest="d", reds=0, approved_at=NOW)
    second = preflight(wave, by=None)
    kept = set(Preflight.objects.filter(wave=wave).values_list("pk", flat=True))
    assert kept == {approved.pk, second.pk}
    assert first.pk not in kept


def test_x6_a_run_of_content_that_changed_meanwhile_replaces_none(wave):
    later = Preflight.objects.create(wave=wave, digest="e" * 64, reds=0)

    def ask(channels, partner_codes):
        Wave.objects.filter(pk=wave.pk).update(content_digest=later.digest)
        return found()

    stale = preflight(wave, by=None, ask=ask)
    assert stale.digest != later.digest
    assert current_run(Wave.objects.get(pk=wave.pk)) == later


def test_x6_a_wave_without_members_has_none(wave):
    Wave.objects.filter(pk=wave.pk).update(state="configured")
    with pytest.raises(WrongState):
        preflight(cleared(wave), by=None)


def test_x6_quiet_hours_are_those_of_the_markets_that_have_members(wave):
    """18:00 in UTC is ten in the morning in Los Angeles."""
    campaign = wave.campaign
    Campaign.objects.filter(pk=campaign.pk).update(time_zone="UTC", quiet_hours="09:00-11:00")
    campaign.markets.filter(market_id="west").update(time_zone="America/Los_Angeles")

    def line() -> str:
        found = preflight(Wave.objects.get(pk=wave.pk), by=None).checks
        return next(each["detail"] for each in found if each["name"] == "Quiet hours")

    said = line()
    assert "at 10:00, in the quiet hours 09:00 to 11:00 in Los Angeles" in said
    assert "UTC" not in said
    wave.wave_markets.filter(market__market_id="west").update(selected=0)
    assert line() == "Messages are sent outside of 09:00 to 11:00 in UTC."


def test_n9_a_soft_start_has_a_line_that_says_whose_receipts_end_it(wave, settings):
    Wave.objects.filter(pk=wave.pk).update(content=wave.content | {"soft_start": 4})
    run = preflight(Wave.objects.get(pk=wave.pk), by=None)
    [said] = [each["detail"] for each in run.checks if each["name"] == "Soft start"]
    assert "4 fans of 10 are notified first. The others follow when receipts of SMS gat" in said
