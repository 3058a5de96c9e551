"""Settings that are wrong stop the start with a sentence that names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured

from fairwave import env
from fairwave.secret_settings import LOOPBACK, Secrets, problems


def stop_if_wrong() -> None:
    """For what starts without `manage.py`. Raises ImproperlyConfigured with every serious finding
    of our checks and what to do.
    """
    if wrong := [found for found in run_checks(tags=["fairwave"]) if found.is_serious()]:
        raise ImproperlyConfigured(" ".join(f"{found.msg} {found.hint}" for found in wrong))


@register("fairwave")
def settings_can_be_used(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """What env.py could not read."""
    return [
        Error(f"{mistake.name}: {mistake.problem}", hint=mistake.hint, id=f"fairwave.E{number:03}")
        for number, mistake in enumerate(env.mistakes, start=1)
    ]


@register("fairwave")
def a_late_task_is_not_started_twice(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    queue: dict[str, Any] = settings.Q_CLUSTER
    if (
        queue["retry"] > queue["timeout"]
        and queue["max_attempts"]
        and queue["ack_failures"]
        and not queue["catch_up"]
    ):
        return []
    hint = "Set retry above timeout, max_attempts, ack_failures on and catch_up off."
    return [Error("Q_CLUSTER would run tasks twice or without end.", hint=hint, id="fairwave.E101")]


@register("fairwave")
def tasks_have_their_broker(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.TASK_BROKER != "redis" or settings.REDIS_URL:
        return []
    hint = "Set it to the address of a Redis, such as rediss://:PASSWORD@HOST:6379/0."
    return [Error("REDIS_URL is missing: TASK_BROKER is redis.", hint=hint, id="fairwave.E102")]


@register("fairwave")
def a_wave_needs_two_people(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.WAVES_FOUR_EYES:
        return []
    return [
        Caution(
            "WAVES_FOUR_EYES is off, so one person can approve their own wave.",
            hint="Keep it on, except on a test machine.",
            id="fairwave.W101",
        )
    ]


@register("fairwave")
def no_secret_is_missing_or_known(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    database: dict[str, Any] = settings.DATABASES["default"]
    found = Secrets(
        is_local=settings.IS_LOCAL_MACHINE,
        secret_key=_secret_key(),
        fallbacks=settings.SECRET_KEY_FALLBACKS,
        sms_token=settings.SMS_TOKEN if settings.SMS_PROVIDER == "http" else None,
        receipt_secret=settings.RECEIPT_SECRET,
        infobip_secret=settings.INFOBIP_SIGNATURE_SECRET,
        anymail_webhook_secret=settings.ANYMAIL_WEBHOOK_SECRET,
        metrics_token=settings.METRICS_TOKEN,
        slack_webhook_url=settings.SLACK_WEBHOOK_URL,
        database_user=str(database.get("USER", "")),
        database_password=str(database.get("PASSWORD", "")),
    )
    return [
        Error(f"{each.name}: {each.problem}", hint=each.hint, id=each.id)
        for each in problems(found)
    ]


def _secret_key() -> str:
    """Django raises where its key is empty."""
    try:
        return settings.SECRET_KEY
    except ImproperlyConfigured:
        return ""


@register("fairwave")
def events_of_s3_need_a_bucket_on_s3(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    buckets: dict[str, Any] = settings.STORAGES
    if not settings.S3_EVENTS_QUEUE or buckets["scoring"]["BACKEND"].endswith("S3Storage"):
        return []
    hint = (
        "Set SCORING_BUCKET to s3://bucket/prefix, or remove the queue: folders are"
        " checked every minute."
    )
    return [
        Error(
            "S3_EVENTS_QUEUE is set, but the scoring bucket is a folder.",
            hint=hint,
            id="fairwave.E104",
        )
    ]


@register("fairwave")
def the_demand_archive_has_its_place(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    buckets: dict[str, Any] = settings.STORAGES
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", settings.DEMAND_PREFIX, re.ASCII):
        hint = (
            "Use letters, digits, `_`, `-` and `.`, with folders separated by `/`, such as demand."
        )
        found.append(
            Error(
                "DEMAND_PREFIX is not a valid prefix for object keys.",
                hint=hint,
                id="fairwave.E105",
            )
        )
    if settings.GLUE_DATABASE and not buckets["campaign-data"]["BACKEND"].endswith("S3Storage"):
        hint = (
            "Set CAMPAIGN_DATA_BUCKET to s3://bucket/prefix, or remove the database: Glue"
            " cannot read folders."
        )
        found.append(
            Error(
                "GLUE_DATABASE is set, but the campaign data bucket is a folder.",
                hint=hint,
                id="fairwave.E106",
            )
        )
    if settings.GLUE_DATABASE and not re.fullmatch(r"[a-z0-9_]{1,255}", settings.GLUE_DATABASE):
        hint = "Use lower-case letters, digits and `_`, as Athena requires."
        found.append(
            Error("GLUE_DATABASE is not a valid database name.", hint=hint, id="fairwave.E107")
        )
    return found


@register("fairwave")
def a_site_behind_a_proxy_can_tell_its_clients_apart(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Else every failed sign-in comes from the proxy's address, and locks out everyone. [O-7]"""
    if not settings.BEHIND_TLS or settings.TRUSTED_PROXIES:
        return []
    hint = (
        "Set it to the addresses or networks of your proxies, separated by commas, such as"
        " 10.0.0.0/8."
    )
    return [
        Error(
            "TRUSTED_PROXIES is empty, but BEHIND_TLS is on: the site is behind a proxy.",
            hint=hint,
            id="fairwave.E120",
        )
    ]


@register("fairwave")
def links_lead_to_the_site(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A link to choose a password is sent to somebody else's machine. [O-5]"""
    hint = "Set it to the address that people open, such as https://presale.example."
    site = urlsplit(settings.SITE_URL)
    found: list[CheckMessage] = []
    if settings.IS_REACHED_BY_OTHERS and site.hostname in LOOPBACK:
        problem = "SITE_URL leads to this machine, but links are sent to users of other machines."
        found.append(Error(problem, hint=hint, id="fairwave.E121"))
    if settings.BEHIND_TLS and site.scheme != "https":
        problem = "SITE_URL is not https, but BEHIND_TLS is on: links would be sent unencrypted."
        found.append(Error(problem, hint=hint, id="fairwave.E122"))
    return found
