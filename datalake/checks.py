"""A queue of SQS or a stream of Kinesis that nobody could find stops the start. [N-5, T-1, T-4]"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from datalake.aws import kinesis
from datalake.aws.sqs import region_of
from datalake.choices import StreamName

QUEUES: Final = ("EMAIL_QUEUE", "S3_EVENTS_QUEUE", "VERDICT_QUEUE", "ARCHIVE_QUEUE")


@register("fairwave")
def the_region_of_each_queue_is_known(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        Error(
            f"{setting}: its address names no region, and AWS_DEFAULT_REGION is not set.",
            hint="Use the queue's URL as SQS shows it (https://sqs.REGION.amazonaws.com/…), or set"
            " AWS_DEFAULT_REGION.",
            id="datalake.E001",
        )
        for setting in QUEUES
        if (url := getattr(settings, setting)) and not region_of(url)
    ]


@register("fairwave")
def athena_has_tables_and_a_place_for_results(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        Error(problem, hint=hint, id=f"datalake.E01{number}")
        for number, problem, hint in _wrong_on_athena()
    ]


def _wrong_on_athena() -> Iterator[tuple[int, str, str]]:
    group, output = settings.ATHENA_WORKGROUP, settings.ATHENA_OUTPUT
    if group and not settings.GLUE_DATABASE:
        hint = "Set GLUE_DATABASE, whose tables Athena asks, or remove the work group."
        yield 0, "ATHENA_WORKGROUP is set, but GLUE_DATABASE is not.", hint
    if group and not region_of(""):
        hint = "Set AWS_DEFAULT_REGION, or the region in boto3's own files."
        yield 1, "ATHENA_WORKGROUP is set, but no region is set.", hint
    if group and not re.fullmatch(r"[a-zA-Z0-9._-]{1,128}", group):
        hint = "Use at most 128 letters, digits, `_`, `.` and `-`."
        yield 2, "ATHENA_WORKGROUP is not a valid name of a work group.", hint
    if output and not group:
        hint = "Set ATHENA_WORKGROUP, or remove the output."
        yield 3, "ATHENA_OUTPUT is set, but ATHENA_WORKGROUP is not.", hint
    if output and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S*", output):
        hint = "Write s3://bucket/prefix/, in the region of the work group."
        yield 4, "ATHENA_OUTPUT is not a place on S3.", hint
    storages: dict[str, Any] = settings.STORAGES
    lake = storages["campaign-data"]["OPTIONS"]
    place = f"s3://{lake.get('bucket_name')}/{lake.get('location', '')}".rstrip("/")
    if output and output.rstrip("/").startswith(
        (f"{place}/avro", f"{place}/{settings.DEMAND_PREFIX}")
    ):
        hint = "Choose another prefix or bucket: results would lie among the lake's files."
        yield 5, "ATHENA_OUTPUT lies in the lake.", hint


@register("fairwave")
def queues_of_tasks_have_a_region(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.TASK_BROKER != "sqs" or region_of(""):
        return []
    hint = "Set AWS_DEFAULT_REGION, or the region in boto3's own files."
    return [Error("TASK_BROKER is sqs, but no region is set.", hint=hint, id="datalake.E006")]


@register("fairwave")
def each_stream_on_kinesis_can_be_found(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    names = {str(key): str(name) for key, name in settings.KINESIS_STREAMS.items()}
    return [
        Error(problem, hint=hint, id=f"datalake.E00{number}")
        for number, problem, hint in _wrong_on_kinesis(names)
    ]


def _wrong_on_kinesis(names: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    if unknown := sorted(set(names) - set(StreamName.values)):
        hint = f"Name the streams of Fairwave: {', '.join(StreamName.values)}."
        yield 2, f"KINESIS_STREAMS: {unknown[0]!r} is not a stream.", hint
    if odd := sorted(name for name in names.values() if not kinesis.is_name(name)):
        hint = "Use at most 128 letters, digits, `_`, `.` and `-`."
        yield 3, f"KINESIS_STREAMS: {odd[0]!r} is not a valid name at Kinesis.", hint
    every = [names.get(stream, f"fairwave-{stream}") for stream in StreamName.values]
    if len(set(every)) < len(every):
        hint = "Records of one stream would come to the consumers of another. Name each once."
        yield 4, "KINESIS_STREAMS: two streams have the same name at Kinesis.", hint
    if settings.STREAM_ENGINE == "kinesis" and not region_of(""):
        hint = "Set AWS_DEFAULT_REGION, or the region in boto3's own files."
        yield 5, "STREAM_ENGINE is kinesis, but no region is set.", hint


@register("fairwave")
def identities_are_kept_longer_than_records(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A record that comes again after its identity is gone would take effect twice. [O-10, T-1]"""
    longest = max(settings.RETENTION_STREAM_DAYS, settings.RETENTION_DEAD_LETTER_DAYS)
    if longest < settings.RETENTION_IDENTITY_DAYS:
        return []
    hint = f"Set it to more than {longest}, the days for which streams and dead letters are kept."
    problem = "RETENTION_IDENTITY_DAYS: identities are deleted before the records that they are of."
    return [Error(problem, hint=hint, id="datalake.E020")]


@register("fairwave")
def claims_are_kept_as_long_as_identities(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """An identity is old when its claim is, and says by it in which file its record is. [O-10,
    X-10]
    """
    if settings.RETENTION_CLAIM_DAYS >= settings.RETENTION_IDENTITY_DAYS:
        return []
    hint = f"Set it to at least {settings.RETENTION_IDENTITY_DAYS}, the days of identities."
    problem = "RETENTION_CLAIM_DAYS: claims are deleted before the identities that name them."
    return [Error(problem, hint=hint, id="datalake.E021")]
