"""What a wave needs around it. [X-6, O-2]"""

from __future__ import annotations

import pytest
from django.utils import timezone

from operations.models import Heartbeat
from operations.services import heartbeats
from operations.services.heartbeats import ServiceState
from tests.support.site.surroundings import RUNNING, found
from waves.codes import partner_http
from waves.preflight.check import Color
from waves.preflight.surroundings import ask, judge
from waves.providers.outcomes import Health
from waves.sending import accounts

SILENT = ServiceState("wave workers", silent=[Heartbeat(host="host1", pid=7)])


def line(name: str, *, names_links: bool = True, **values):
    """One line of the judgement: its color and its sentence."""
    lines = {each.name: each for each in judge(found(**values), names_links=names_links)}
    return lines[name].ok, lines[name].detail


def test_x6_all_is_green_where_all_is_well():
    lines = judge(found(health={"sms": Health(True, "answers")}), names_links=True)
    assert {each.ok for each in lines} == {Color.GREEN}


@pytest.mark.parametrize("missing", [heartbeats.WORKERS, heartbeats.WAVE_WORKERS, "scheduler"])
def test_x6_a_service_that_sends_waves_and_does_not_run_is_red(missing):
    color, detail = line("Workers", services=[each for each in RUNNING if each.name != missing])
    assert (color, missing in detail.lower()) == (Color.RED, True)


def test_x6_a_silent_worker_is_red_and_named():
    services = [each for each in RUNNING if each.name != SILENT.name] + [SILENT]
    color, detail = line("Workers", services=services)
    assert color == Color.RED
    assert "Wave workers: silent for more than 3 minutes" in detail


def test_x6_where_no_service_runs_at_all_commands_send_the_wave():
    services = [ServiceState(name) for name in heartbeats.EXPECTED]
    assert line("Workers", services=services)[0] == Color.YELLOW


@pytest.mark.parametrize(
    ("channel", "name"), [("sms", "SMS provider"), ("email", "E-mail provider")]
)
def test_x6_a_provider_that_does_not_answer_is_red(channel, name):
    color, detail = line(name, health={channel: Health(False, "cannot be reached")})
    assert color == Color.RED
    assert detail.startswith("It cannot be reached. Check ")


def test_n8_a_provider_whose_events_would_be_refused_is_red():
    settings = {"health": {"email": Health(True, "answers")}, "no_events": {"email": ["A_KEY"]}}
    color, detail = line("E-mail provider", **settings)
    assert color == Color.RED
    assert "A_KEY not set" in detail


@pytest.mark.django_db
def test_n8_the_key_of_marketing_clouds_events_is_asked_for(settings):
    settings.EMAIL_PROVIDER, settings.SFMC_AUTH_URL = "sfmc", "http://127.0.0.1:9"
    settings.SFMC_SIGNATURE_KEY = ""
    assert ask(["email"], partner_codes=False).no_events == {"email": ["SFMC_SIGNATURE_KEY"]}


def test_x6_a_stopped_provider_is_red_with_its_reason():
    color, detail = line("Stopped providers", stopped={"SMS gateway": "too many errors"})
    assert color == Color.RED
    assert "SMS gateway is stopped: too many errors." in detail


def test_o2_slack_that_is_down_or_missing_blocks_nothing():
    assert line("Slack", slack=None)[0] == Color.YELLOW
    assert line("Slack", slack=False)[0] == Color.YELLOW


def test_x6_a_code_service_that_is_down_is_red():
    failed = Health(False, "The code service could not status codes.")
    assert line("Code service", code_service=failed)[0] == Color.RED


@pytest.mark.parametrize(
    ("site", "is_local", "names_links", "color"),
    [
        ("http://127.0.0.1:8000", True, True, Color.GREEN),
        ("http://127.0.0.1:8000", False, True, Color.RED),
        ("http://localhost:8000", False, False, Color.YELLOW),
        ("https://presale.example", False, True, Color.GREEN),
    ],
)
def test_x6_links_to_this_machine_are_red_outside_of_it(site, is_local, names_links, color):
    assert (
        line("Address of links", site_url=site, is_local=is_local, names_links=names_links)[0]
        == color
    )


@pytest.mark.django_db
def test_x6_everything_is_asked_and_nothing_is_sent(box, settings):
    settings.SMS_URL, settings.SLACK_WEBHOOK_URL = box.url, f"{box.url}/slack/here"
    settings.CODE_SERVICE_URL = box.url
    accounts.pause("sms_http", "too many errors")
    Heartbeat.objects.create(
        service="workers", host="host1", pid=1, beat_at=timezone.now(), started_at=timezone.now()
    )
    asked = ask(["sms", "email"], partner_codes=True)
    assert asked.health == {"sms": Health(True, "answers"), "email": Health(True, "answers")}
    assert (asked.slack, asked.code_service) == (True, Health(True, "answers"))
    assert asked.stopped == {"SMS gateway": "too many errors"}
    assert next(each for each in asked.services if each.name == "workers").living == 1
    received = box.received()
    assert (received["sms"]["requests"], received["slack"]["posts"]) == (0, 0)
    box.control(fail_rates={"503": 1})
    assert ask(["sms"], partner_codes=False).health["sms"] == Health(
        False, "reports an error (HTTP 503)"
    )


@pytest.mark.django_db
def test_x6_what_is_away_is_an_answer_too(settings, monkeypatch):
    monkeypatch.setattr(partner_http, "TRIES", 1)
    away = "http://127.0.0.1:9"
    settings.SMS_URL, settings.SLACK_WEBHOOK_URL, settings.CODE_SERVICE_URL = away, away, away
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    asked = ask(["sms", "email"], partner_codes=True)
    assert not any(health.is_well for health in asked.health.values())
    assert (asked.slack, asked.code_service and asked.code_service.is_well) == (False, False)


@pytest.mark.django_db
def test_n9_a_second_sms_provider_that_could_not_send_is_yellow(box, settings):
    settings.SMS_URL, settings.SMS_FALLBACK = box.url, "http"
    asked = ask(["sms"], partner_codes=False)
    assert asked.second_sms == Health(True, "answers")
    assert ask(["email"], partner_codes=False).second_sms is None
    accounts.pause("sms_http", "drill")
    stopped = ask(["sms"], partner_codes=False).second_sms
    assert line("Second SMS provider", second_sms=stopped) == (
        Color.YELLOW,
        "It is stopped: drill. It cannot send while the first SMS provider is stopped.",
    )
