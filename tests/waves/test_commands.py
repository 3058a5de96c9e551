"""The commands of waves, with --json, from preview to trigger. [interfaces]"""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from campaigns.models import Market, RuleChange
from operations.errors import JobBusy
from operations.models import Job, StatusChange
from tests.support.people import client_of, keeper, member_of
from tests.support.sending import triggered_wave
from tests.support.site.surroundings import found
from tests.support.waves import campaign_with, sent_out
from tests.waves.resends.test_ask import sent_wave
from tests.waves.uploads import lists as uploads
from waves.management.commands import load_campaign
from waves.models import Code, Suppression, Wave
from waves.providers import registry
from waves.providers.outcomes import Health
from waves.second_count import count
from waves.sending import new_messages, results

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
    member_of("operator", name="ann")
    member_of("approver", name="bob")
    member_of("administrator", name="root")
    return campaign_with(10).campaign_id


def in_a_week() -> str:
    return (timezone.now() + timedelta(days=7)).isoformat()


@pytest.mark.django_db(transaction=True)
def test_import_codes_counts_each_row_and_says_that_a_file_was_imported_before(campaign, tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text("code\nAAA1\naaa1\nTM\nBBB1\n")
    arguments = ("import_codes", campaign, str(file), "--source", "Ticket Partner", "--by", "ann")
    done = result_of(*arguments)
    assert (done["rows_in"], done["accepted"]) == (4, 2)
    assert done["rejected"] == {"placeholder": 1, "duplicate_in_file": 1}
    again = result_of(*arguments)
    assert (done["repeated"], again["repeated"]) == (False, True)
    assert Code.objects.filter(origin="Ticket Partner", state="available").count() == 2
    assert "no market 'north'" in refused(*arguments, "--market", "north")
    assert "does not have permission" in refused(*arguments[:-1], "bob")


def test_x7_x8_free_seats_are_topped_up_and_the_others_told_by_command(campaign):
    when = ("--notify-date", in_a_week(), "--by", "ann")
    Market.objects.update(capacity=2)
    assert "no wave has been sent yet" in refused("not_selected_wave", campaign, KEY, *when)
    assert "has no wave to top up" in refused("top_up_wave", campaign, KEY, *when)
    sent_out(Wave.objects.get(name=result_of("prepare_wave", campaign, KEY, *when)["wave"]))
    Market.objects.filter(market_id="west").update(capacity=3)
    added = result_of("top_up_wave", campaign, "20260121-2", *when)
    assert [market["selected"] for market in added["markets"]] == [1, 0]
    assert "is prepared. Send or cancel it" in refused(
        "not_selected_wave", campaign, "20260121-3", *when
    )
    sent_out(Wave.objects.get(date_key="20260121-2"))
    told = result_of("not_selected_wave", campaign, "20260121-3", *when)
    assert (told["selected"], told["second_count"]) == (5, "agrees")


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
    assert result_of("schedule_wave", wave, "--by", "ann")["state"] == "scheduled"
    later = ("--notify-date", (timezone.now() + timedelta(days=9)).isoformat())
    moved = result_of("reschedule_wave", wave, *later, "--by", "ann", "--reason", "fog")
    assert (moved["wave"], moved["state"]) == (wave, "prepared")
    digest = Wave.objects.get(name=wave).content_digest
    result_of("approve_wave", wave, "--by", "bob", "--digest", digest)
    result_of("schedule_wave", wave, "--by", "ann")
    assert (
        result_of("unschedule_wave", wave, "--by", "ann", "--reason", "later")["state"]
        == "approved"
    )
    assert (
        result_of("reset_wave", wave, "--by", "root", "--reason", "again")["state"] == "configured"
    )
    assert result_of("prepare_wave", campaign, KEY, "--by", "ann")["codes"]["generated"] == 0
    assert (
        result_of("cancel_wave", wave, "--by", "root", "--reason", "rain")["state"] == "cancelled"
    )


def test_x6_the_pre_flight_is_shown_and_a_red_line_needs_a_waiver(campaign, monkeypatch):
    prepared = prepared_by("ann", campaign)
    shown = result_of("preflight_wave", prepared["wave"])
    assert shown["ok"]
    assert all(line["ok"] is (line["color"] != "red") for line in shown["checks"])
    assert set(shown["checks"][0]) == {"name", "ok", "color", "detail"}
    down = found(health={"sms": Health(is_well=False, detail="cannot be reached")})
    monkeypatch.setattr("waves.preflight.surroundings.ask", lambda *_, **__: down)
    assert not result_of("preflight_wave", prepared["wave"], "--by", "ann")["ok"]
    approval = (prepared["wave"], "--by", "bob", "--digest", prepared["content_digest"])
    assert "SMS provider: It cannot be reached." in refused("approve_wave", *approval)
    waived = result_of("approve_wave", *approval, "--waive", "the provider comes back tonight")
    assert waived["state"] == "approved"
    assert refused("preflight_wave", "a_20300101").endswith(
        "CAMPAIGN_DATEKEY, such as 12345_20260120."
    )


@pytest.mark.django_db(transaction=True)
def test_x6_a_rehearsal_ends_with_the_result_of_all_fans(campaign):
    prepared = prepared_by("ann", campaign)
    shown = result_of("rehearse_wave", prepared["wave"])
    assert (shown["total"], shown["ok"], shown["state"]) == (10, 10, "done")
    assert shown["detail"]["sms"]["sent"] == 10
    assert Job.objects.get(kind="rehearse_wave").state == "done"
    assert Wave.objects.get(name=prepared["wave"]).state == "prepared"


def test_x14_a_second_count_that_another_worker_has_is_not_said_to_differ(campaign, monkeypatch):
    def busy(*_, **__):
        raise JobBusy("another worker is running it")

    monkeypatch.setattr(count, "run", busy)
    prepared = prepared_by("ann", campaign)
    assert (prepared["second_count"], prepared["second_count_problems"]) == ("not finished", [])


def prepared_by(person: str, campaign: str) -> dict:
    return result_of("prepare_wave", campaign, KEY, "--notify-date", in_a_week(), "--by", person)


@pytest.mark.parametrize("role", ["viewer", "operator", "analyst"])
def test_o5_a_user_without_the_right_approves_neither_by_command_nor_on_the_page(campaign, role):
    """[O-5, O-7]"""
    prepared, eve = prepared_by("ann", campaign), member_of(role, name="eve")
    moves = StatusChange.objects.count()
    digest = prepared["content_digest"]
    why = refused("approve_wave", prepared["wave"], "--by", "eve", "--digest", digest)
    assert "“Can approve waves” (waves.approve_wave). An administrator gives rights" in why
    page = client_of(eve).post(f"/admin/wave/{prepared['wave']}/approve/", {"digest": digest})
    assert page.status_code == 403
    assert Wave.objects.get().state == "prepared"
    assert StatusChange.objects.count() == moves


@pytest.mark.parametrize("last_edit", ["prepare_wave", "reschedule_wave", "load_campaign"])
def test_w10_who_prepared_or_last_edited_it_approves_neither_by_command_nor_on_the_page(
    campaign, last_edit, tmp_path
):
    """One person in both roles, who has every right that is asked: the one function that both call
    refuses. [W-10]
    """
    both = member_of("operator", "approver", name="both")
    prepared = prepared_by("both" if last_edit == "prepare_wave" else "ann", campaign)
    if last_edit == "reschedule_wave":
        later = ("--notify-date", (timezone.now() + timedelta(days=9)).isoformat())
        result_of("reschedule_wave", prepared["wave"], *later, "--by", "both", "--reason", "fog")
    if last_edit == "load_campaign":
        text = {"channel": "sms", "body": "{campaign}, {wave_date}: {code}"}
        document = {"campaign_id": campaign, "name": "Tour", "templates": [text]}
        (tmp_path / "campaign.json").write_text(json.dumps(document))
        result_of("load_campaign", str(tmp_path / "campaign.json"), "--by", "both")
    digest = Wave.objects.get().content_digest
    why = refused("approve_wave", prepared["wave"], "--by", "both", "--digest", digest)
    assert "both prepared or last edited wave" in why
    page = f"/admin/wave/{prepared['wave']}/approve/"
    answer = client_of(both).post(page, {"digest": digest}, follow=True)
    assert "both prepared or last edited wave" in answer.content.decode()
    assert Wave.objects.get().state == "prepared"
    assert result_of("approve_wave", prepared["wave"], "--by", "bob", "--digest", digest)


def test_o5_a_campaign_file_is_loaded_for_a_service_account_but_rules_are_changed_by_a_person(
    campaign, tmp_path
):
    """[O-5, S-16]"""
    file = tmp_path / "campaign.json"
    market = {"market_id": "w", "capacity": 1, "selection_time": "2026-01-18T12:00:00Z"}
    new = {"campaign_id": "new", "name": "New", "markets": [market]}
    file.write_text(json.dumps(new | {"status": "open"}))
    assert result_of("load_campaign", str(file))["status"] == "open"
    opened = StatusChange.objects.get(subject_kind="campaign", subject_id="new")
    assert opened.by.username.startswith("os:")
    file.write_text(json.dumps(new | {"min_score": 0.5}))
    change = ("load_campaign", str(file), "--reason", "too many bots")
    assert "Enter --by USER as well." in refused(*change)
    assert "(campaigns.change_campaign)" in refused(*change, "--by", "bob")
    assert not RuleChange.objects.exists()
    result_of(*change, "--by", "ann")
    assert RuleChange.objects.get().by.username == "ann"


def test_c2_a_campaign_file_that_is_too_large_or_no_json_is_refused_by_its_name(
    tmp_path, monkeypatch
):
    file = tmp_path / "campaign.json"
    file.write_text('{"campaign_id": "new", "name": "New"')
    assert f"{file}: it is not JSON" in refused("load_campaign", str(file))
    monkeypatch.setattr(load_campaign, "MOST_BYTES", 30)
    assert f"{file} is larger than 30 bytes" in refused("load_campaign", str(file))


def test_the_scheduler_triggers_what_is_due_and_says_so(campaign):
    prepared = result_of(
        "prepare_wave", campaign, KEY, "--notify-date", in_a_week(), "--by", "root"
    )
    result_of(
        "approve_wave", prepared["wave"], "--by", "bob", "--digest", prepared["content_digest"]
    )
    result_of("schedule_wave", prepared["wave"], "--by", "ann")
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
    result_of("schedule_wave", prepared["wave"], "--by", "ann")
    assert result_of("run_scheduler", "--once")["triggered"] == [prepared["wave"]]
    assert (
        result_of("pause_wave", prepared["wave"], "--by", "ann", "--reason", "wait")["state"]
        == "paused"
    )
    assert (
        result_of("resume_wave", prepared["wave"], "--by", "ann", "--reason", "go on")["state"]
        == "triggered"
    )
    code = Code.objects.first()
    custody = result_of("find_code", code.code.lower())
    assert [step["step"] for step in custody["custody"]] == [
        "made",
        "reserved",
        "assigned",
        "published",
    ]


def test_n6_the_queue_of_a_completed_wave_is_paused_by_command(campaign):
    wave = triggered_wave(1, phones=0, emails=1)
    new_messages.make_sends(wave)
    results.complete(wave.pk)
    arguments = (wave.name, "--by", "ann", "--reason", "wrong text")
    assert result_of("pause_wave", *arguments)["queue"] == "paused"
    assert "queue" not in result_of("resume_wave", *arguments)
    assert result_of("cancel_wave", *arguments)["queue"] == "cancelled"


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
        keeper().username,
        "--by-market-order",
        "--min-score",
        "0.5",
        "--reason",
        "a small hall",
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
    assert "does not exist" in refused("approve_wave", "a_20300101", "--by", "bob", "--digest", "0")
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
    member_of("approver", name="bob")
    member_of("operator", name="ann")
    assert result_of("stop_all", "--by", "bob", "--reason", "drill")["state"] == "stopped"
    held = result_of("send_wave", wave.name)
    assert (held["pending"], held["state"]) == (5, "triggered")
    assert "drill" in held["ended"]
    resume = ("resume_all", "--reason", "over")
    assert "(waves.send_wave)" in refused(*resume, "--by", "bob")
    assert set(result_of(*resume, "--by", "ann")["accounts"]) == {
        provider.name for provider in registry.ALL
    }
    assert result_of("send_wave", wave.name)["ok"] == 5
    moves = StatusChange.objects.filter(subject_kind="account", subject_id="sms_http").values_list(
        "to_state", "by__username", "reason"
    )
    assert list(moves.order_by("id")) == [
        ("paused", "bob", "drill"),
        ("sending", "ann", "over"),
    ]


def test_w3_x14_a_list_is_uploaded_with_the_fields_of_the_interface_and_approved(
    campaign, tmp_path
):
    config = {"campaignId": campaign, "notifyDate": in_a_week(), "productId": "P", "source": "S"}
    (tmp_path / "config.json").write_text(json.dumps(config | {"generateOfferCode": True}))
    (tmp_path / "wave.csv").write_bytes(
        uploads.rows_of([uploads.row(0), uploads.row(1), uploads.row(1)])
    )
    files = [str(tmp_path / "config.json"), str(tmp_path / "wave.csv")]
    named = (*files, "--date-key", KEY, "--by", "ann")
    assert "why these fans are not drawn" in refused("upload_wave", *named)
    result = result_of("upload_wave", *named, "--reason", "guests of the band")
    assert {
        name: result[name] for name in ("state", "rows_in", "accepted", "rejected", "codes")
    } == {
        "state": "prepared",
        "rows_in": 3,
        "accepted": 2,
        "rejected": {"duplicate": 1},
        "codes": {"generated": 2, "failed": 0},
    }
    assert set(result) == {
        *("wave", "state", "content_digest", "rows_in", "accepted", "rejected", "codes"),
        *("ignored_columns", "second_count", "second_count_problems", "seconds"),
    }
    wave, digest = result["wave"], result["content_digest"]
    assert result["second_count"] == "agrees"
    approved = result_of("approve_wave", wave, "--by", "bob", "--digest", digest)
    assert approved["state"] == "approved"
    assert "is approved" in refused("upload_wave", *files, "--date-key", KEY, "--by", "ann")
    (tmp_path / "config.json").write_text(json.dumps(config | {"colour": 1}))
    assert "missing key 'generateOfferCode'" in refused(
        "upload_wave", *files, "--date-key", "20300102", "--by", "ann"
    )


def test_n8_suppress_takes_a_file_or_one_contact_and_counts(campaign, tmp_path):
    file = tmp_path / "left.csv"
    file.write_text("email,phone\nann@example.com,+12065550101\nann,\n")
    rest = ("--by", "ann", "--reason", "asked by letter")
    done = result_of("suppress", str(file), *rest)
    assert (done["rows_in"], done["accepted"], done["rejected"]) == (2, 1, {"bad_contact": 1})
    assert (done["suppressed"], done["suppressed_before"]) == (2, 0)
    one = result_of("suppress", "bob@example.com", "--campaign", campaign, *rest)
    again = result_of("suppress", "bob@example.com", "--campaign", campaign, *rest)
    assert (one["suppressed"], again["suppressed"], again["suppressed_before"]) == (1, 0, 1)
    assert set(Suppression.objects.values_list("cause", "campaign__campaign_id")) == {
        ("file", None),
        ("hand", campaign),
    }
    assert "cannot be read" in refused("suppress", str(tmp_path / "none.csv"), *rest)
    assert "does not exist" in refused("suppress", "a@b.example", "--campaign", "none", *rest)
    assert "does not have permission" in refused(
        "suppress", "a@b.example", "--by", "bob", "--reason", "asked"
    )
    assert "Neither an e-mail address" in refused("suppress", "+1", *rest)


def test_n8_suppress_names_the_bad_rows_by_line(campaign, tmp_path, capsys):
    file = tmp_path / "left.csv"
    file.write_text("contact\nann\n\n")
    call_command("suppress", str(file), "--by", "ann", "--reason", "asked by letter")
    said = capsys.readouterr().err
    assert "line 2: Neither an e-mail address nor a phone number" in said
    assert "line 3: No contact" in said


def test_x12_support_sends_a_fans_code_again(monkeypatch, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    monkeypatch.setattr("waves.resends.tasks.run", lambda job: None)  # its test is that of resends
    wave, desk = sent_wave(), member_of("operator", name="desk")
    fan = wave.members.order_by("place").first().global_user_id
    asked = ("resend", wave.campaign.campaign_id, fan, "--by", desk.username)
    found = result_of(*asked, "--reason", "mistyped", "--email", "ann@band.example")
    assert (found["wave"], found["messages"]["email"]["state"]) == (wave.name, "pending")
    assert "still to be sent" in refused(*asked, "--reason", "again", "--email", "b@band.example")
