"""The same campaign, loaded into two empty databases, comes to the same result to the last byte.
[S-8, S-10, S-12]
"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from campaigns import loading
from campaigns.entropy.entry import enter_entropy
from campaigns.models import Registrant
from campaigns.registrations import imports
from campaigns.scoring import score_files
from sandbox import fans
from tests.support.score_files import everything_of

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 3_000
EMPTIED = {"operations", "datalake", "demand", "campaigns", "waves", "stats", "console"}


def empty_database() -> None:
    """As after `migrate`: numbers begin at 1 again, so the tables of score files that had these
    numbers have to go. Roles stay as they are.
    """
    emptied = [
        model._meta.db_table for model in apps.get_models() if model._meta.app_label in EMPTIED
    ] + ["auth_user"]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(emptied)} RESTART IDENTITY CASCADE")
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relname ~ '^campaigns_(fanscore|rejectedrow)_[0-9]+$'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'DROP TABLE "{table}"')


def load_everything(folder: Path, document: dict) -> dict[str, object]:
    campaign = loading.load(document).campaign
    with (folder / "registrations.csv").open("rb") as file:
        found = imports.receive(campaign, "registrations.csv", file, by=None)
    imports.process(imports.open_job(found, by=None).pk)
    with (folder / "scores.txt").open("rb") as file:
        received = score_files.receive(
            campaign, f"{campaign.campaign_id}.{fans.TIMESTAMP}.txt", file, by=None
        )
    score_file = score_files.process(score_files.open_job(received.score_file, by=None).pk)
    if document.get("entropy_source"):
        campaign = enter_entropy(campaign.pk, "4a7f", by=None)
        (waiting,) = score_files.release_waiting(campaign)
        score_file = score_files.process(score_files.open_job(waiting, by=None).pk)
    registrants = Registrant.objects.order_by("global_user_id").values(
        "global_user_id", "email", "phone", "preferences", "registered_at"
    )
    rejected = found.rejected_rows.order_by("line").values_list("line", "reason", "raw")
    rules = {
        "rules": score_file.rules,
        "rules_digest": score_file.rules_digest,
        "commitment": campaign.commitment,
    }
    return (
        everything_of(score_file)
        | rules
        | {
            "registrants": list(registrants),
            "unregistered": list(rejected),
        }
    )


@pytest.mark.parametrize(
    "entropy",
    [{}, {"entropy_source": "drand round 5551234"}],
    ids=["without", "with a public value"],
)
def test_the_same_campaign_twice_gives_the_same_files_rows_and_digests(tmp_path, entropy):
    document = fans.campaign(COUNT) | entropy
    fans.write_registrations(tmp_path / "registrations.csv", COUNT)
    fans.write_scores(tmp_path / "scores.txt", COUNT)
    empty_database()
    first = load_everything(tmp_path, document)
    empty_database()
    second = load_everything(tmp_path, document)
    assert first["counts"]["accepted"] > COUNT // 2
    assert len(first["counts"]["rejected_by"]) > 6
    assert second == first
