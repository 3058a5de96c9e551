"""`resend CAMPAIGN GLOBAL_USER_ID --by USER --reason TEXT [--email ADDRESS] [--phone NUMBER]`:
correct one fan's contact and send them the same code again. [X-12]
"""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import CommandParser

from campaigns.opening import campaign_of
from operations.commands import JsonCommand
from operations.entry.trimming import trim
from waves import rights
from waves.resends.ask import Wanted
from waves.resends.tasks import send_here


class Command(JsonCommand):
    help = "Send one fan's code again, to the contacts of the wave or to corrected ones."
    permissions = rights.RESEND

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("campaign")
        parser.add_argument("global_user_id", help="the fan's id")
        parser.add_argument("--email", default="", help="the corrected e-mail address")
        parser.add_argument("--phone", default="", help="the corrected phone, such as +12065550100")
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="the reason, which is logged"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        wanted = Wanted(
            campaign_of(options["campaign"]),
            trim(options["global_user_id"]),
            options["reason"],
            request=uuid.uuid4(),
            email=options["email"],
            phone=options["phone"],
        )
        found = send_here(wanted, by=options["by"])
        return {
            "campaign_id": wanted.campaign.campaign_id,
            "wave": found[0].wave.name,
            "messages": {
                row.channel: {"state": row.state, "reason": row.reason, "key": str(row.key)}
                for row in found
            },
        }
