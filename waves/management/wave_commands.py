"""The base of the commands that act on one wave (`WAVE --by USER --reason TEXT`), and the arguments
that preview and preparation share.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils import timezone

from operations.commands import JsonCommand
from operations.entry import values
from waves import rights
from waves.choices import Order, Queue
from waves.errors import BadMarketFile
from waves.lifecycle import wave_named
from waves.models import Wave
from waves.preparation import not_selected
from waves.preparation.prepare import prepare
from waves.second_count.count import count_here
from waves.second_count.verdict import Standing, standing
from waves.selection.request import WaveRequest
from waves.sending import accounts


class WaveActionCommand(JsonCommand):
    """A command that does one thing to one wave; subclasses implement `act`."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("wave", help="{campaign_id}_{date_key}")
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="the reason, which is logged"
        )

    @abstractmethod
    def act(self, wave: Wave, *, by: User, reason: str) -> Wave:
        """Move the wave. Raises Refusal."""

    def run(self, **options: Any) -> dict[str, Any]:
        wave = self.act(wave_named(options["wave"]), by=options["by"], reason=options["reason"])
        queue = {} if wave.queue == Queue.RUNNING else {"queue": wave.queue}
        return {"wave": wave.name, "state": wave.state, **queue}


class PreparingCommand(JsonCommand):
    """A command that prepares a wave here and now and has it counted a second time; subclasses say
    what is asked for. [W-4 … W-9, X-14]
    """

    permissions = rights.PREPARE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--expedite",
            default="",
            metavar="REASON",
            help=(
                "reason for short notice: allows preparing less than a day before the notify date"
            ),
        )
        parser.add_argument(
            "--previewed",
            default="",
            metavar="MEMBERS_DIGEST",
            help="digest from a preview; fails if other members are selected",
        )

    @abstractmethod
    def request(self, options: dict[str, Any]) -> WaveRequest:
        """What the arguments ask for. Raises Refusal."""

    def run(self, **options: Any) -> dict[str, Any]:
        prepared = prepare(
            self.request(options),
            by=options["by"],
            now=timezone.now(),
            expedite=options["expedite"],
            reason=options.get("reason", ""),
            previewed_digest=options["previewed"],
        )
        if ends := not_selected.what_ends(prepared.planned.plan):
            self.say(ends)
        counted = count_here(prepared.wave)
        found = standing(counted)
        return prepared.as_result() | {
            "second_count": str(found),
            "second_count_problems": counted.count_problems if found == Standing.DIFFERS else [],
        }


def add_own_rules_reason(parser: CommandParser, of: str) -> None:
    parser.add_argument(
        "--reason",
        default="",
        metavar="TEXT",
        help=f"reason for {of}, which is shown on the public page",
    )


def add_wave_arguments(parser: CommandParser) -> None:
    parser.add_argument("campaign", help="campaign id")
    parser.add_argument("date_key", help="YYYYMMDD or YYYYMMDD-n")
    parser.add_argument(
        "--notify-date", metavar="ISO", help="when the wave is sent; required for a new wave"
    )


def notify_date_of(options: dict[str, Any]) -> datetime | None:
    return notify_date(options["notify_date"]) if options["notify_date"] else None


class AllSendingCommand(JsonCommand):
    """A command that stops or resumes every account and leaves `state`; subclasses implement `act`.
    [N-6]
    """

    state: str

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="the reason, which is logged"
        )

    @abstractmethod
    def act(self, *, by: User, reason: str) -> list[str]:
        """Stop or resume; the names of the accounts that this changed."""

    def run(self, **options: Any) -> dict[str, Any]:
        names = self.act(by=options["by"], reason=options["reason"])
        return {"state": self.state, "accounts": names, "in_flight": accounts.in_flight()}


def add_request_arguments(parser: CommandParser) -> None:
    add_wave_arguments(parser)
    parser.add_argument(
        "--markets",
        metavar="FILE",
        help="markets file of the wave (CSV); default: the one in the bucket, or all markets",
    )
    parser.add_argument("--market", metavar="ID", help="select for this market alone")
    parser.add_argument(
        "--min-score",
        type=float,
        metavar="X",
        help="higher minimum raw score for this wave",
    )
    parser.add_argument(
        "--by-market-order",
        action="store_true",
        help="fill the markets one after the other, in their order",
    )
    parser.add_argument(
        "--reassign",
        action="store_true",
        help="also take fans who hold a code already, with the same code and market",
    )


def request_of(options: dict[str, Any]) -> WaveRequest:
    """The request the arguments make. Raises Refusal for a naive date, BadMarketFile for a file
    that cannot be read.
    """
    return WaveRequest(
        campaign_id=options["campaign"],
        date_key=options["date_key"],
        notify_date=notify_date_of(options),
        market_file=_content(options["markets"]) if options["markets"] else None,
        order=_order(options),
        single_market=options["market"],
        min_score=options["min_score"],
        reassign=options["reassign"] or None,
    )


def notify_date(text: str) -> datetime:
    """The date that `--notify-date` names. Raises BadValue. [C-2]"""
    return values.instant("--notify-date", text, years=values.NOTIFY_YEARS)


def _order(options: dict[str, Any]) -> Order | None:
    if options["market"]:
        return Order.SINGLE_MARKET
    return Order.BY_MARKET_ORDER if options["by_market_order"] else None


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadMarketFile(f"The markets file {path} cannot be read: {error.strerror}.") from error
