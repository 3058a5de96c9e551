"""What a wave needs around it: running services, providers that answer, Slack. [X-6, O-2]"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from operations import alerts
from operations.services import heartbeats
from operations.services.heartbeats import ServiceState
from waves.choices import Channel
from waves.codes import partner_service
from waves.errors import CodeServiceError
from waves.models import ProviderAccount
from waves.preflight.check import Check, Color, Problem, judged, red
from waves.preflight.sender_domain import SenderDomain, judge_sender_domain, look_up
from waves.providers import registry
from waves.providers.contract import Provider
from waves.providers.outcomes import Health

SECOND: Final = "Second SMS provider"
WORKERS, ACCOUNTS, SLACK = "Workers", "Stopped providers", "Slack"
LINKS, CODE_SERVICE = "Address of links", "Code service"
NEEDED: Final = (heartbeats.WORKERS, heartbeats.WAVE_WORKERS, heartbeats.SCHEDULER)
CHECK_SECONDS: Final = 5.0
LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Surroundings:
    """What was found. `health`: of the provider of each channel that the wave uses; `no_events`: by
    channel, the settings for want of which its provider's events are refused; `second_sms`: of the
    one that sends while the first is stopped; `stopped`: why an account is paused, by the
    provider's title; `sender`: what DNS has of the domain that e-mails come from; what is None is
    not there, or not needed.
    """

    services: Sequence[ServiceState]
    health: Mapping[str, Health]
    no_events: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stopped: Mapping[str, str] = field(default_factory=dict)
    second_sms: Health | None = None
    slack: bool | None = None
    code_service: Health | None = None
    sender: SenderDomain | None = None
    site_url: str = ""
    is_local: bool = False


def ask(channels: Sequence[str], *, partner_codes: bool) -> Surroundings:
    """Ask everything that the wave needs; nothing is sent. `channels`: those that reach a fan."""
    return Surroundings(
        services=heartbeats.services(),
        health={channel: _health_of(registry.client(channel)) for channel in channels},
        no_events={each: registry.chosen(each).lacking_for_events for each in channels},
        second_sms=_second_sms(channels),
        stopped=_stopped(channels),
        slack=alerts.slack_answers() if settings.SLACK_WEBHOOK_URL else None,
        code_service=_code_service() if partner_codes else None,
        sender=_sender(channels),
        site_url=settings.SITE_URL,
        is_local=settings.IS_LOCAL_MACHINE,
    )


def _sender(channels: Sequence[str]) -> SenderDomain | None:
    """None where no e-mail is sent, or its provider names the sender."""
    if Channel.EMAIL not in channels or registry.chosen_email().names_sender:
        return None
    return look_up(settings.DEFAULT_FROM_EMAIL, settings.EMAIL_DKIM_SELECTORS)


def _second_sms(channels: Sequence[str]) -> Health | None:
    """Whether the second SMS provider could send instead; None where there is none. [N-9]"""
    if registry.fallback_sms() is None or Channel.SMS not in channels:
        return None
    second = registry.sms_clients()[1]
    paused = ProviderAccount.objects.filter(name=second.name, paused=True).first()
    return Health(False, f"is stopped: {paused.paused_reason}") if paused else _health_of(second)


def _health_of(provider: Provider[Any]) -> Health:
    async def ask_it() -> Health:
        async with provider.open_session(CHECK_SECONDS, 1) as session:
            return await provider.check(session)

    return asyncio.run(ask_it())


def _stopped(channels: Sequence[str]) -> dict[str, str]:
    names = [registry.chosen(channel).name for channel in channels]
    paused = ProviderAccount.objects.filter(name__in=names, paused=True).order_by("name")
    return {registry.TITLES[each.name]: each.paused_reason for each in paused}


def _code_service() -> Health | None:
    service = partner_service.chosen()
    if service is None:
        return None
    try:
        replace(service, seconds=CHECK_SECONDS).states(
            codes=[], asked_at=timezone.now().isoformat()
        )
    except CodeServiceError as error:
        return Health(is_well=False, detail=str(error))
    return Health(is_well=True, detail="answers")


def judge(found: Surroundings, *, names_links: bool) -> list[Check]:
    """A line for each. `names_links`: whether a text names the fan's link."""
    return [
        _workers(found.services),
        *(
            _provider(channel, health, found.no_events.get(channel, ()))
            for channel, health in found.health.items()
        ),
        *([_second(found.second_sms)] if found.second_sms else []),
        *judge_sender_domain(found.sender),
        _stopped_providers(found.stopped),
        *([_codes(found.code_service)] if found.code_service else []),
        _slack(found.slack),
        _links(found, names_links=names_links),
    ]


def _workers(services: Sequence[ServiceState]) -> Check:
    """Red where a service is missing that sends waves. Where none of all services runs, waves are
    sent by commands: yellow.
    """
    states = {service.name: service for service in services}
    missing = [states.get(name, ServiceState(name)) for name in NEEDED]
    missing = [service for service in missing if not service.is_well]
    if not any(service.living or service.silent for service in services):
        return Check(
            WORKERS,
            Color.YELLOW,
            "No worker and no scheduler runs here. Start them (bin/serve), or start and send the"
            " wave with the commands run_scheduler and send_wave.",
        )
    problems: list[Problem] = [
        red(f"{service.name.capitalize()}: {service.words}. Start the service again.")
        for service in missing
    ]
    return judged(
        WORKERS, problems, fine="Workers, workers reserved for waves and the scheduler run."
    )


def _provider(channel: str, health: Health, no_events: Sequence[str]) -> Check:
    name = f"{Channel(channel).label[:1].upper()}{Channel(channel).label[1:]} provider"
    if health.is_well and no_events:
        return Check(
            name,
            Color.RED,
            f"It {health.detail}, but its events are refused: {' and '.join(no_events)} not set. No"
            " bounce or complaint would be recorded. Finish the setup of its events.",
        )
    if health.is_well:
        return Check(name, Color.GREEN, f"It {health.detail}.")
    advice = (
        "Check SMS_URL and SMS_TOKEN" if channel == Channel.SMS else "Check the e-mail settings"
    )
    return Check(name, Color.RED, f"It {health.detail}. {advice}, or ask the provider.")


def _second(health: Health) -> Check:
    """Yellow at worst: it sends only while the first one is stopped. [N-9]"""
    if health.is_well:
        return Check(SECOND, Color.GREEN, f"It {health.detail}.")
    why = f"It {health.detail}. It cannot send while the first SMS provider is stopped."
    return Check(SECOND, Color.YELLOW, why)


def _stopped_providers(stopped: Mapping[str, str]) -> Check:
    problems: list[Problem] = [
        red(
            f"Sending through {title} is stopped: {reason or 'no reason is known'}. Resume it on"
            " the Providers page."
        )
        for title, reason in stopped.items()
    ]
    return judged(ACCOUNTS, problems, fine="No provider is stopped.")


def _codes(health: Health) -> Check:
    if health.is_well:
        return Check(CODE_SERVICE, Color.GREEN, f"It {health.detail}.")
    return Check(CODE_SERVICE, Color.RED, health.detail)


def _slack(answers: bool | None) -> Check:
    """Yellow at worst: Slack being down fails nothing. [O-2]"""
    if answers is None:
        return Check(
            SLACK,
            Color.YELLOW,
            "Alerts are shown on the site only. Set SLACK_WEBHOOK_URL to get them in Slack.",
        )
    if not answers:
        return Check(
            SLACK,
            Color.YELLOW,
            "Slack cannot be reached, so alerts are shown on the site only. Watch the wave's page"
            " while it is sent.",
        )
    return Check(SLACK, Color.GREEN, "It answers.")


def _links(found: Surroundings, *, names_links: bool) -> Check:
    host = urlsplit(found.site_url).hostname or ""
    if host in LOOPBACK and not found.is_local:
        return Check(
            LINKS,
            Color.RED if names_links else Color.YELLOW,
            f"Links lead to {found.site_url}, which no fan can open. Set SITE_URL.",
        )
    return Check(LINKS, Color.GREEN, f"Links lead to {found.site_url}.")
