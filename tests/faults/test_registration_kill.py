"""Corrected registrations whose command is killed, really and anywhere, come to the same end as
ones that nobody disturbed. [C-4, O-6]
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from campaigns.models import Campaign, Registrant, RegistrationImport
from campaigns.registrations import corrections
from tests.campaigns.registrations.registration_cases import unpublished
from tests.faults.test_score_file_kill import NEVER, start
from tests.support.campaigns import import_registrations, make_campaign, registration_row
from tests.support.processes import STATEMENT
from tests.support.score_files import read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROWS = 600
KILLS = 20 if os.environ.get("FAIRWAVE_FULL") else 2


def spoilt(campaign: Campaign) -> RegistrationImport:
    rows = [registration_row(n, email="no", phone="") for n in range(ROWS)]
    return import_registrations(campaign, rows)


def command(original: RegistrationImport, path: Path) -> tuple[object, ...]:
    corrected = read(original.rejected_key).replace(b",no,", b",found@mail.example,", ROWS // 2)
    path.write_bytes(corrected)
    numbers = (original.campaign.campaign_id, path, "--correction-of", original.pk)
    return ("import_registrations", *numbers, "--json")


def outcome(original: RegistrationImport, result: dict) -> dict:
    fans = Registrant.objects.filter(campaign=original.campaign).order_by("global_user_id")
    counts = {name: result[name] for name in ("rows_in", "accepted", "rejected", "tagged")}
    return counts | {
        "fans": list(fans.values_list("global_user_id", "email")),
        "unpublished": unpublished(original.campaign).count(),
        "rejected": read(result["rejected_file"]),
        "repaired": corrections.repaired(original),
    }


def test_c4_kills_before_random_statements_leave_nothing_half_and_the_last_run_makes_it_whole(
    bucket_folders,
):
    path = bucket_folders / "corrected.csv"
    original, disturbed = spoilt(make_campaign()), spoilt(make_campaign())
    first = start(*command(original, path), killed_at=STATEMENT, nth=NEVER)
    undisturbed = outcome(original, first.result())
    assert undisturbed["repaired"] == ROWS // 2
    _, statements = first.measured()
    arguments, dice = command(disturbed, path), random.Random(os.environ.get("FAIRWAVE_SEED", "4"))
    for _ in range(KILLS):
        statement = dice.randrange(1, statements // (KILLS + 1))
        assert start(*arguments, killed_at=STATEMENT, nth=statement).wait() == -signal.SIGKILL
    assert outcome(disturbed, start(*arguments).result()) == undisturbed
