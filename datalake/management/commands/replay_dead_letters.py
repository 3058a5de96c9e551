"""Put records that a consumer could not take back where they came from. [T-1]"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from datalake import rights
from datalake.dead_letters import replay
from datalake.errors import MessageGone, UnknownDeadLetter
from datalake.models import DeadLetter
from operations.commands import JsonCommand


class Command(JsonCommand):
    help = "Replay the given dead letters, those of one consumer, or all."
    permissions = rights.REPLAY
    needs_person = False
    leaves_name = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "letters",
            nargs="*",
            type=int,
            metavar="ID",
            help="ids from the list of dead letters",
        )
        parser.add_argument(
            "--consumer",
            default="",
            metavar="NAME",
            help="all that this consumer has not replayed yet, such as lake",
        )
        parser.add_argument("--all", action="store_true", help="all that were not replayed yet")

    def run(self, **options: Any) -> dict[str, Any]:
        if sum(map(bool, (options["letters"], options["consumer"], options["all"]))) != 1:
            raise CommandError(
                "Enter ids of dead letters, --consumer NAME, or --all.", returncode=2
            )
        if not options["letters"]:
            return {"replayed": replay.replay_all(options["consumer"]), "already": 0}
        known = set(
            DeadLetter.objects.filter(pk__in=options["letters"]).values_list("pk", flat=True)
        )
        if unknown := sorted(set(options["letters"]) - known):
            raise UnknownDeadLetter(
                f"Dead letter {', '.join(map(str, unknown))} does not exist. Nothing was replayed."
            )
        done = replay.replay_many(sorted(known))
        gone = DeadLetter.objects.waiting().filter(pk__in=known).order_by("pk")
        if numbers := list(gone.values_list("pk", flat=True)):
            raise MessageGone(
                f"Dead letter {', '.join(map(str, numbers))} cannot be replayed: its message is no"
                f" longer in its queue. Settle it without a replay. {done} others were replayed."
            )
        return {"replayed": done, "already": len(known) - done}
