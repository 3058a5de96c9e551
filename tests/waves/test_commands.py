"""The commands of waves, with --json, from preview to trigger. [interfaces]"""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from operations.models import StatusChange
from tests.support.sending import triggered_wave
from tests.support.waves import campaign_with, person
from waves.models import Code, Wave
from waves.providers import registry

pytestmark = pytest.mark.django_db
KEY = "20300101"


def result_of(*arguments: str) -> dict:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def refused(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(*arguments, "--json", stdout=out, stderr=io.StringIO())
    assert ended.value.code == 1
    return json.loads(out.getvalue().splitlines()[-1])["error"]


@pytest.fixture
def campaign():
    person("ann")
    person("bob")
    person("root", superuser=True)
    return campaign_with(10).campaign_id


def in_a_week() -> str:
    return (timezone.now() + timedelta(days=7)).isoformat()


def test_the_steps_from_preview_to_schedule(campaign):
    shown = result_of("preview_wave", campaign, KEY, "--notify-date", in_a_week())
    assert set(shown) == {
        "markets",
        "candidates",
        "excluded",
        "selected",
        "waitlist",
        "members_digest",
        "seconds",
    }
    prepared = result_of(
        "prepare_wave",
        campaign,
        KEY,
        "--notify-date",
        in_a_week(),
        "--by",
        "ann",
        "--previewed",
        shown["members_digest"],
    )
    assert {name: prepared[name] for name in shown if name != "seconds"} == {
        n: v for n, v in shown.items() if n != "seconds"
    }
    wave, digest = prepared["wave"], prepared["content_digest"]
    assert wave == f"{campaign}_{KEY}"
    approved = result_of("approve_wave", wave, "--by", "bob", "--digest", digest)
    assert (approved["wave"], approved["state"]) == (wave, "approved")
    assert result_of("schedule_wave", wave, "--by", "bob")["state"] == "scheduled"
    later = ("--notify-date", (timezone.now() + timedelta(days=9)).isoformat())
    moved = result_of("reschedule_wave", wave, *later, "--by", "ann", "--reason", "fog")
    assert (moved["wave"], moved["state"]) == (wave, "prepared")
    digest = Wave.objects.get(name=wave).content_digest
    result_of("approve_wave", wave, "--by", "bob", "--digest", digest)
    result_of("schedule_wave", wave, "--by", "bob")
    assert (
        result_of("unschedule_wave", wave, "--by", "bob", "--reason", "later")["state"]
        == "approved"
    )
    assert (
        result_of("reset_wave", wave, "--by", "root", "--reason", "again")["state"] == "configured"
    )
    assert result_of("prepare_wave", campaign, KEY, "--by", "ann")["codes"]["generated"] == 0
    assert (
        result_of("cancel_wave", wave, "--by", "root", "--reason", "rain")["state"] == "cancelled"
    )


def test_the_scheduler_triggers_what_is_due_and_says_so(campaign):
    prepared = result_of(
        "prepare_wave", campaign, KEY, "--notify-date", in_a_week(), "--by", "root"
    )
    result_of(
        "approve_wave", prepared["wave"], "--by", "bob", "--digest", prepared["content_digest"]
    )
    result_of("schedule_wave", prepared["wave"], "--by", "bob")
    looked = result_of("run_scheduler", "--once")
    assert (looked["triggered"], looked["held"]) == ([], [])


def test_an_expedited_wave_goes_out_at_once(campaign):
    soon = (timezone.now() - timedelta(seconds=1)).isoformat()
    arguments = (
        "prepare_wave",
        campaign,
        KEY,
        "--notify-date",
        soon,
        "--expedite",
        "the show is tonight",
    )
    assert "does not have permission to expedite" in refused(*arguments, "--by", "ann")
    prepared = result_of(*arguments, "--by", "root")
    result_of(
        "approve_wave", prepared["wave"], "--by", "bob", "--digest", prepared["content_digest"]
    )
    result_of("schedule_wave", prepared["wave"], "--by", "bob")
    assert result_of("run_scheduler", "--once")["triggered"] == [prepared["wave"]]
    assert (
        result_of("pause_wave", prepared["wave"], "--by", "bob", "--reason", "wait")["state"]
        == "paused"
    )
    assert (
        result_of("resume_wave", prepared["wave"], "--by", "bob", "--reason", "go on")["state"]
        == "triggered"
    )
    code = Code.objects.first()
    custody = result_of("find_code", code.code.lower())
    assert [step["step"] for step in custody["custody"]] == [
        "created",
        "reserved",
        "assigned",
        "published",
    ]


def test_market_order_single_market_and_minimum_score_can_be_asked_for(campaign):
    single = result_of(
        "preview_wave", campaign, KEY, "--notify-date", in_a_week(), "--market", "east"
    )
    assert [market["market_id"] for market in single["markets"]] == ["east"]
    result_of(
        "prepare_wave",
        campaign,
        KEY,
        "--notify-date",
        in_a_week(),
        "--by",
        "ann",
        "--by-market-order",
        "--min-score",
        "0.5",
    )
    wave = Wave.objects.get()
    assert (wave.order, wave.min_score) == ("by_market_order", 0.5)
    assert wave.excluded["below_minimum_score"] == 4


def test_refusals_are_one_line_with_exit_1_and_write_nothing(campaign, tmp_path):
    week = in_a_week()
    markets = tmp_path / "markets.csv"
    markets.write_text("marketId,marketName,capacity,selectionTime\nwest,,-1,\n")
    base = ("prepare_wave", campaign, KEY, "--by", "ann")
    assert "no time zone offset" in refused(*base, "--notify-date", "2030-01-01T10:00:00")
    assert "not a date key" in refused(
        "prepare_wave", campaign, "2030-01-01", "--by", "ann", "--notify-date", week
    )
    assert "'nobody'" in refused(
        "prepare_wave", campaign, KEY, "--by", "nobody", "--notify-date", week
    )
    assert "capacity: '-1'" in refused(*base, "--notify-date", week, "--markets", str(markets))
    assert "cannot be read" in refused(
        *base, "--notify-date", week, "--markets", str(tmp_path / "none.csv")
    )
    assert "does not exist" in refused("preview_wave", "nobody", KEY)
    assert "does not exist" in refused("approve_wave", "a_20300101", "--by", "ann", "--digest", "0")
    assert "No such code" in refused("find_code", "NOTHING")
    assert not Wave.objects.exists()


def test_a_missing_argument_is_wrong_usage(campaign):
    with pytest.raises(CommandError, match="--by"):
        call_command("prepare_wave", campaign, KEY)


@pytest.fixture
def gateway(box, settings):
    settings.SMS_URL, settings.SMS_PER_SECOND = box.url, 1_000


@pytest.mark.django_db(transaction=True)
def test_the_commands_send_and_deliver(gateway):
    wave = triggered_wave(5, emails=2, tm=True)
    sent = result_of("send_wave", wave.name)
    assert (sent["wave"], sent["state"], sent["total"], sent["ok"]) == (
        wave.name,
        "completed",
        5,
        5,
    )
    assert sent["per_second"] > 0
    assert result_of("send_wave", wave.name, "--retry-failed")["ok"] == 5
    delivered = result_of("deliver_email", "--limit", "1")
    assert {name: delivered[name] for name in ("sent", "failed", "left")} == {
        "sent": 1,
        "failed": 0,
        "left": 1,
    }


@pytest.mark.django_db(transaction=True)
def test_n6_stop_all_stops_and_resume_lets_go_on(gateway):
    wave = triggered_wave(5, tm=True)
    stop = ("--by", "approver", "--reason", "drill")
    assert result_of("stop_all", *stop)["state"] == "stopped"
    held = result_of("send_wave", wave.name)
    assert (held["pending"], held["state"]) == (5, "triggered")
    assert "drill" in held["ended"]
    assert set(result_of("stop_all", *stop, "--resume")["accounts"]) == {
        provider.name for provider in registry.ALL
    }
    assert result_of("send_wave", wave.name)["ok"] == 5
    moves = StatusChange.objects.filter(subject_kind="account", subject_id="sms_http").values_list(
        "to_state", "by__username", "reason"
    )
    assert list(moves.order_by("id")) == [
        ("paused", "approver", "drill"),
        ("sending", "approver", "drill"),
    ]
