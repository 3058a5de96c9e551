"""A wave is previewed beside other plans, and what was previewed is prepared. [W-1, W-7, X-4]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from campaigns.models import Market, Registrant
from datalake.storage import buckets
from operations.models import Job
from tests.console.page_cases import form_of
from tests.support.people import keeper
from tests.support.site.found_forms import read
from tests.support.waves import KEY, NOW, campaign_with, request, sent_out
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.selection import candidates

pytestmark = pytest.mark.django_db

HEADER = "marketId,marketName,capacity,selectionTime\n"


@pytest.fixture
def readings(monkeypatch) -> list[object]:
    """One for each time that the fans are read."""
    cache.clear()
    found, gather = [], candidates.gather
    monkeypatch.setattr(candidates, "gather", lambda *a, **k: found.append(a) or gather(*a, **k))
    return found


def address_of(campaign) -> str:
    return f"/admin/campaign/{campaign.campaign_id}/waves/new/"


def errors_of(answer) -> str:
    """What the page says beside its fields, and above them."""
    form = answer.context["form"]
    said = [form.errors, *(box.errors for box in form.boxes.boxes), form.boxes.problem]
    return " ".join(map(str, said))


def sent_again(answer, **values):
    """What a browser would send from this page."""
    page = read(address_of(answer.context["campaign"]), answer.content.decode())
    [form] = [each for each in page.forms if "notify_date" in each.values]
    return form.values | values


def test_a_preview_writes_nothing_and_a_preparation_is_asked_for_with_the_same_form(client):
    campaign = campaign_with(fans=30)
    address = address_of(campaign)
    preview = client.post(address, form_of(campaign, preview="1"))
    assert preview.context["found"].result["selected"] == 10
    assert not Wave.objects.exists()
    answer = client.post(address, sent_again(preview, prepare="1"), follow=True)
    wave = Wave.objects.get()
    assert wave.previewed_digest == preview.context["found"].result["members_digest"]
    assert answer.redirect_chain == [(f"/admin/wave/{wave.name}/", 302)]
    assert Job.objects.get().subject == ("wave", wave.name)
    assert not buckets.scoring().exists(f"wavePrep/{campaign.campaign_id}/data/{KEY}.csv")


@pytest.mark.parametrize("name", ["market-west-name", "members_digest"])
def test_w1_what_is_wrong_with_a_field_that_nobody_sees_is_said_on_the_page(client, name):
    campaign = campaign_with(0)
    given = {"preview": "1", name: "x" * 3_000}
    answer = client.post(address_of(campaign), form_of(campaign, **given))
    assert "This has 3000." in answer.content.decode()


def test_w4_a_preview_says_at_its_field_that_less_than_a_day_is_left(client):
    campaign = campaign_with(fans=30)
    soon = f"{timezone.now():%Y-%m-%dT%H:%M}"
    values = form_of(campaign, preview="1", notify_date=soon)
    short = client.post(address_of(campaign), values)
    assert "or enter a reason for short notice." in str(short.context["form"].errors["expedite"])
    assert 'name="expedite"' in short.content.decode()
    excused = client.post(address_of(campaign), values | {"expedite": "the band asks"})
    assert not excused.context["form"].errors
    usual = client.post(address_of(campaign), form_of(campaign, preview="1"))
    assert 'name="expedite"' not in usual.content.decode(), "nobody is asked without need"


def test_w4_a_notify_date_that_has_passed_is_refused_at_its_field(client):
    campaign = campaign_with(fans=3)
    past = f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    answer = client.post(address_of(campaign), form_of(campaign, preview="1", notify_date=past))
    assert "has passed" in str(answer.context["form"].errors["notify_date"])


def test_s8_rules_of_its_own_ask_for_a_reason_at_their_field(client):
    campaign = campaign_with(fans=30)
    values = form_of(campaign, preview="1", min_score="0.5")
    answer = client.post(address_of(campaign), values)
    assert "minimum score 0.5" in str(answer.context["form"].errors["reason"])
    given = client.post(address_of(campaign), values | {"reason": "a small hall"})
    assert not given.context["form"].errors


def test_a_reason_counts_for_nothing_from_who_may_not_give_one(operator):
    """Nor does it stop them, whatever it is: the form has no such field to show an error at."""
    campaign = campaign_with(fans=3)
    address = address_of(campaign)
    values = form_of(campaign, preview="1") | {"expedite": "x" * 3_000}
    assert operator.post(address, values).context["found"]
    soon = {"notify_date": f"{timezone.now():%Y-%m-%dT%H:%M}", "prepare": "1"}
    answer = operator.post(address, form_of(campaign, **soon) | {"expedite": "the band asks"})
    said = str(answer.context["form"].errors["notify_date"])
    assert said.count("does not have permission to expedite it") == 1
    assert not Wave.objects.exists()


def test_w5_a_market_that_cannot_be_filled_is_refused_at_its_own_field(client):
    campaign = campaign_with(fans=3)
    Market.objects.filter(campaign=campaign, market_id="east").update(
        selection_time=timezone.now() + timedelta(days=1)
    )
    answer = client.post(address_of(campaign), form_of(campaign, preview="1"))
    west, east = answer.context["form"].boxes.boxes
    assert "has not passed yet" in str(east.errors["selection_time"])
    assert not west.errors
    without = form_of(campaign, preview="1", reason="later")
    del without["market-east-chosen"]
    assert client.post(address_of(campaign), without).context["found"]


def test_w5_a_wave_without_a_market_is_refused(client):
    campaign = campaign_with(fans=3)
    values = {k: v for k, v in form_of(campaign, preview="1").items() if "market" not in k}
    assert "Check at least one market." in errors_of(client.post(address_of(campaign), values))


def test_w5_a_markets_file_fills_the_boxes_and_what_they_say_is_prepared(client):
    campaign = campaign_with(fans=30)
    text = f"{HEADER}east,East Hall,2,2026-01-18T12:00:00Z\n"
    file = SimpleUploadedFile("markets.csv", text.encode())
    values = form_of(campaign, prepare="1", markets_file=file, reason="a small hall")
    filled = client.post(address_of(campaign), values)
    assert not Wave.objects.exists(), "it is shown first"
    assert filled.context["found"].result["selected"] == 2
    again = sent_again(filled, prepare="1")
    assert "market-west-chosen" not in again
    assert (again["market-east-capacity"], again["market-east-name"]) == ("2", "East Hall")
    client.post(address_of(campaign), again)
    stored = buckets.scoring().open(f"wavePrep/{campaign.campaign_id}/data/{KEY}.csv").read()
    assert stored.decode().splitlines()[1:] == ["east,East Hall,2,2026-01-18T12:00:00+00:00,"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nowhere,Nowhere,5,", "no market &#x27;nowhere&#x27;"),
        ("east,=1+1,5,", "begins like a formula"),
        ("east,../../codes,5,", "reads like a path"),
    ],
)
def test_w5_a_markets_file_that_cannot_be_meant_is_refused_at_its_field(client, line, problem):
    campaign = campaign_with(fans=3)
    file = SimpleUploadedFile("../markets.csv", f"{HEADER}{line}\n".encode())
    answer = client.post(address_of(campaign), form_of(campaign, preview="1", markets_file=file))
    assert problem in str(answer.context["form"].errors["markets_file"])
    assert not Wave.objects.exists()


def test_w5_another_file_in_the_bucket_is_named_before_it_is_replaced(client):
    campaign = campaign_with(fans=30)
    key = f"wavePrep/{campaign.campaign_id}/data/{KEY}.csv"
    buckets.scoring().put(key, f"{HEADER}west,,1,\n".encode())
    answer = client.post(address_of(campaign), form_of(campaign, preview="1"))
    assert "holds a different markets file" in answer.content.decode()
    taken = client.post(address_of(campaign), sent_again(answer, stored="1", reason="as agreed"))
    assert taken.context["found"].result["selected"] == 1
    assert "holds a different markets file" not in taken.content.decode()


def test_a_failed_wave_is_prepared_again_from_its_own_form(client):
    campaign = campaign_with(fans=3, time_zone="America/New_York")
    address = address_of(campaign)
    asked = {"notify_date": "2030-01-20T10:00", "min_score": "0.5", "reason": "a small hall"}
    client.post(address, form_of(campaign, prepare="1", **asked, **{"market-west-capacity": "1"}))
    wave = Wave.objects.get()
    Wave.objects.update(state="failed", error="no codes left")
    Job.objects.all().delete()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "no codes left" in html
    assert f"{address}?again={wave.name}" in html
    form = client.get(address, {"again": wave.name}).context["form"]
    assert form["notify_date"].value() == "2030-01-20T10:00"
    assert form["min_score"].value() == 0.5
    assert form.boxes.boxes[0]["capacity"].value() == 1
    without = form_of(campaign, preview="1", notify_date="2030-01-20T10:00", min_score="")
    preview = client.post(address, without)
    assert not preview.context["form"].errors, "the minimum is taken away, and needs no reason"


def test_x4_plans_are_compared_from_one_reading_and_the_chosen_one_is_prepared(client, readings):
    campaign = campaign_with(fans=30)
    changes = {"plan2-capacity-east": "2", "plan3-min_score": "0.8", "compare": "1"}
    answer = client.post(address_of(campaign), form_of(campaign) | changes)
    assert len(readings) == 1
    _first, second, third, fourth = answer.context["columns"]
    assert (second.found.result["change"], fourth.found) == (-3, None)
    assert third.found.result["excluded"]["below_minimum_score"] > 0
    html = answer.content.decode()
    assert "−3" in html
    assert "no change" in html
    chosen = client.post(address_of(campaign), sent_again(answer, use="2"))
    assert chosen.context["form"].boxes.boxes[1]["capacity"].value() == "2"
    assert chosen.context["found"].result["members_digest"] == second.found.result["members_digest"]
    assert len(readings) == 1, "what was compared is known"
    assert not Wave.objects.exists()
    client.post(address_of(campaign), sent_again(chosen, prepare="1"))
    wave = Wave.objects.get()
    assert wave.previewed_digest == second.found.result["members_digest"]


def test_x4_late_registrations_are_counted_and_chosen_with_their_selection_times(client):
    campaign = campaign_with(fans=6)
    late = Registrant.objects.filter(campaign=campaign, global_user_id__endswith="5")
    late.update(registered_at=NOW + timedelta(hours=1))
    values = form_of(campaign, compare="1", reason="the queue was down")
    answer = client.post(address_of(campaign), values | {"plan2-late_registrations": "on"})
    first, second = (column.found.result for column in answer.context["columns"][:2])
    assert (first["candidates"], second["candidates"]) == (5, 6)
    chosen = client.post(address_of(campaign), sent_again(answer, use="2"))
    assert chosen.context["found"].result["members_digest"] == second["members_digest"]


def test_w6_x4_fans_who_hold_a_code_are_counted_in_a_plan_that_reassigns(client):
    campaign = campaign_with(fans=6, capacities={"west": 2, "east": 2})
    alone = {"single_market": "west"}
    sent_out(prepare(request(campaign, **alone), by=keeper(), now=NOW, reason="a test").wave)
    asked = form_of(campaign, date_key="20300120", notify_date="2030-01-20T10:00")
    asked |= {"compare": "1", "plan2-reassign": "yes"}
    answer = client.post(address_of(campaign), asked)
    first, second = (column.found for column in answer.context["columns"][:2])
    assert (first.result["selected"], second.result["change"], second.returned) == (2, 2, 2)
    chosen = client.post(address_of(campaign), sent_again(answer, use="2"))
    assert chosen.context["found"].result["members_digest"] == second.result["members_digest"]
    client.post(address_of(campaign), sent_again(chosen, prepare="1"))
    assert Wave.objects.get(date_key="20300120").reassign


def test_x4_a_plan_that_is_refused_stands_beside_the_others(client):
    campaign = campaign_with(fans=6)
    changes = {"plan2-capacity-west": "0", "plan2-capacity-east": "0", "plan3-min_score": "2"}
    answer = client.post(address_of(campaign), form_of(campaign, compare="1") | changes)
    assert "Enter 1 or less." in answer.content.decode()
    del changes["plan3-min_score"]
    answer = client.post(address_of(campaign), form_of(campaign, compare="1") | changes)
    nobody = answer.context["columns"][1].found
    assert "No fan would be selected" in nobody.refusal
    assert 'name="use"' not in answer.content.decode()


def test_x4_a_page_that_is_loaded_again_reads_no_fans_again_unless_it_is_asked_to(client, readings):
    campaign = campaign_with(fans=6)
    values = form_of(campaign, preview="1")
    for _ in range(2):
        assert client.post(address_of(campaign), values).context["found"]
    assert len(readings) == 1
    client.post(address_of(campaign), values | {"anew": "1"})
    assert len(readings) == 2
    Market.objects.filter(campaign=campaign).update(capacity=1)
    assert client.post(address_of(campaign), values).context["found"].result["selected"] == 2


def test_x4_a_plan_that_changes_a_market_of_no_box_is_refused(client):
    campaign = campaign_with(fans=6)
    values = form_of(campaign) | {"plan2-capacity-east": "1", "reason": "a small hall"}
    del values["market-east-chosen"]
    compared = client.post(address_of(campaign), values | {"compare": "1"})
    assert "is not in this wave" in compared.context["columns"][1].refusal
    used = client.post(address_of(campaign), values | {"use": "2"})
    assert "is not in this wave" in errors_of(used)
