"""`waiting_list CAMPAIGN DATE_KEY [--fan ID] [--output FILE --reason TEXT] --by USER`: who waits
for a seat of a drawn wave, at which place. [W-5, O-7]
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from campaigns.receipts import whole_file
from console.access import record_access
from console.fans.waiting import lists_of
from console.models import Access
from operations.commands import JsonCommand
from operations.entry.command_rights import acting_user
from operations.entry.trimming import trim
from waves import rights
from waves.errors import NoWaitingList
from waves.lifecycle import wave_named
from waves.models import Wave
from waves.naming import wave_name
from waves.selection.waiting_list import opened, place_of, waiting_rows

BY_COMMAND = "waiting_list"  # the reason where none is given


class Command(JsonCommand):
    help = "Show how many fans wait for a seat of a drawn wave, a fan's place, or write the list."
    permissions = rights.SEE_WAITING_LIST
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("date_key", help="YYYYMMDD or YYYYMMDD-n")
        parser.add_argument("--fan", metavar="ID", help="show the place of the fan of this id")
        parser.add_argument(
            "--output",
            metavar="FILE",
            type=Path,
            help="write the list to this CSV file, verbatim; this is an export of personal data,"
            " which needs a right of its own and --reason",
        )
        parser.add_argument(
            "--reason", default="", metavar="TEXT", help="the reason, which is logged"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        wave = wave_named(wave_name(options["campaign"], options["date_key"]))
        reason = options["reason"].strip()
        with opened(wave):  # refused first
            kept = next(kept for kept in lists_of(wave.campaign) if kept.wave.pk == wave.pk)
        result: dict[str, Any] = {
            "wave": wave.name,
            "state": wave.state,
            "waiting": wave.waitlist,
            "outdated": kept.outdated or None,
        }
        if options["fan"]:
            result["fan"] = self._fan(wave, trim(options["fan"]), options["by"], reason)
        if options["output"]:
            result["file"] = self._write(wave, options["output"], options["by"], reason)
        return result

    def _fan(self, wave: Wave, fan: str, by: User, reason: str) -> dict[str, Any]:
        """Their place; None where they are not on the list."""
        record_access(by, Access.FOUND, f"waiting list of {wave.name}", reason or BY_COMMAND)
        found = place_of(wave, fan)
        return {
            "global_user_id": fan,
            "place": found.place if found else None,
            "markets": list(found.markets) if found else [],
            "band_score": found.band_score if found else None,
        }

    def _write(self, wave: Wave, path: Path, by: User, reason: str) -> str:
        acting_user(by.get_username(), "waiting_list --output", rights.EXPORT_WAITING_LIST)
        if not reason:
            raise NoWaitingList("Enter the reason for the export with --reason. It is logged.")
        record_access(by, Access.EXPORTED, f"waiting list of {wave.name}", reason)
        with whole_file(path, NoWaitingList) as file:
            text = io.TextIOWrapper(file, "utf-8", newline="")
            csv.writer(text).writerows(waiting_rows(wave))
            text.detach()
        return str(path)
