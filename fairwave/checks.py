"""Settings that are wrong stop the start with a sentence that names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Caution

from fairwave import env


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
def providers_can_be_reached_with_these_settings(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.BEHIND_TLS and settings.SMS_TOKEN == "sandbox":  # noqa: S105 the well-known token of the sandbox
        hint = "Set SMS_TOKEN to the provider's token. On a test machine, set BEHIND_TLS to off."
        found.append(
            Error("SMS_TOKEN is the sandbox's on a public site.", hint=hint, id="fairwave.E102")
        )
    if settings.BEHIND_TLS and settings.RECEIPT_SECRET == "sandbox":  # noqa: S105 likewise
        hint = "Set RECEIPT_SECRET to the long random text that the provider uses to sign receipts."
        found.append(
            Error(
                "RECEIPT_SECRET is the sandbox's on a public site.", hint=hint, id="fairwave.E103"
            )
        )
    if not settings.WAVES_FOUR_EYES:
        hint = "Keep it on, except on a test machine."
        found.append(
            Caution(
                "WAVES_FOUR_EYES is off, so one person can approve their own wave.",
                hint=hint,
                id="fairwave.W101",
            )
        )
    return found


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
