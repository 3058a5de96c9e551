"""Merge the lake's small files of a day or a month into one, and archive them. [L-3, L-5, L-7]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from datalake import archive, layout, rights
from datalake.merging import merge, past_periods
from datalake.merging.past_periods import Failure
from datalake.models import Merge
from operations.commands import JsonCommand
from operations.entry import values
from operations.errors import JobBusy, Refusal, error_text


class Command(JsonCommand):
    help = (
        "Merge every past day (or month) that has loose files, one period with --date,"
        " or the files under --prefix."
    )
    permissions = rights.MERGE
    needs_person = False
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("period", nargs="?", choices=["daily", "monthly"])
        parser.add_argument(
            "--date",
            metavar="ISO",
            help="merge only the day or month of this date, even if it is not over",
        )
        parser.add_argument("--type", metavar="T", help="only this record type")
        parser.add_argument(
            "--prefix", metavar="P", help="prefix of the files, such as avro/scoring/2026/01/20"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        if bool(options["period"]) == bool(options["prefix"]):
            raise CommandError("Enter daily or monthly, or --prefix P.", returncode=2)
        merges, failures = self._merge(**options)
        for each in merges:
            self.say(
                f"{each}: {each.files} files, {each.records_out:,} records → {each.merged_key}"
            )
        failures += self._archive_all()
        if failures:
            raise Refusal(" ".join(error_text(failure) for failure in failures))
        return {"merges": [as_result(Merge.objects.get(pk=each.pk)) for each in merges]}

    def _archive_all(self) -> list[Failure]:
        """Do the archives that these and earlier merges asked for, unless a worker was quicker."""
        failures: list[Failure] = []
        for job in archive.waiting_jobs():
            try:
                archive.run_archive(job.pk)
            except JobBusy:
                self.say(f"{job.works_on}: a worker is archiving its sources (job {job.pk})")
            except (Refusal, OSError) as failure:
                failures.append(failure)
        return failures

    def _merge(self, **options: Any) -> tuple[list[Merge], list[Failure]]:
        if options["prefix"]:
            record_type, period = layout.parse_prefix(options["prefix"])
            return past_periods.merge_each([record_type], period)
        record_types = [options["type"]] if options["type"] else merge.enabled_types()
        monthly = options["period"] == "monthly"
        if not options["date"]:
            return past_periods.merge_past(record_types, monthly=monthly, now=timezone.now())
        day = layout.day_of(values.instant("--date", options["date"]))
        return past_periods.merge_each(record_types, day.month_period if monthly else day)


def as_result(done: Merge) -> dict[str, Any]:
    """The statistics of a merge. [L-7]"""
    return {
        "file_prefix": layout.folder(done.record_type, layout.parse_period(done.period)),
        "merged_key": done.merged_key,
        "records": done.records_out,
        "files": done.files,
        "bytes_before": done.bytes_before,
        "bytes_after": done.bytes_after,
        "seconds": done.seconds,
        "state": done.state,
    }
