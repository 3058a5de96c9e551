"""The initial migrations: one for each app, each can be undone, and what they make refuses what must
never be in a row. [C-2, W-2]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from operations.database.statements import rows
from tests.support.waves import NOW, campaign_with, person, request
from waves.preparation.prepare import prepare

pytestmark = pytest.mark.django_db

APPS = ("operations", "datalake", "demand", "campaigns", "stats", "waves", "console")
# what depends on another app goes first
BACKWARDS = ("console", "waves", "stats", "campaigns", "demand", "datalake", "operations")
OURS = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname ~ %(named)s OR relname = 'user_email_once'
UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1
"""
# a trigger and the index of another app's table are ours, too
NAMED = f"^({'|'.join(APPS)})_"


def test_each_app_has_one_migration_until_the_first_deployment():
    """A change of a model is folded into it: see the recipe in CONTRIBUTING.md."""
    ours = [key for key in MigrationLoader(None).disk_migrations if key[0] in APPS]
    assert sorted(ours) == sorted((app, "0001_initial") for app in APPS)


def test_undoing_all_migrations_leaves_nothing_of_them():
    loader = MigrationLoader(connection)
    assert {"waves_send", "operations_refuse", "send_added_marks_its_block"} <= _ours()
    for app in BACKWARDS:
        before = loader.project_state((app, "0001_initial"), at_end=False)
        with connection.schema_editor(atomic=False) as editor:
            loader.get_migration(app, "0001_initial").unapply(before, editor)
    assert _ours() == set()


def _ours() -> set[str]:
    return {name for (name,) in rows(OURS, named=NAMED)}


def _campaign() -> Model:
    return campaign_with(0)


def _market() -> Model:
    market = campaign_with(0).markets.first()
    assert market is not None
    return market


def _wave() -> Model:
    return prepare(request(campaign_with(3)), by=person("ann"), now=NOW).wave


@pytest.mark.parametrize(
    ("make", "wrong", "constraint"),
    [
        (_campaign, {"registration_closes": "2201-01-01Z"}, "campaign_years"),
        (_campaign, {"registration_opens": "1999-12-31 23:59:59Z"}, "campaign_years"),
        (_market, {"selection_time": "infinity"}, "market_years"),
        (_wave, {"notify_date": "2199-01-01Z"}, "wave_years"),
    ],
)
def test_c2_the_database_refuses_a_date_that_the_form_would_refuse(
    make: Callable[[], Model], wrong: dict[str, Any], constraint: str
):
    row = make()
    [(column, value)] = wrong.items()
    with pytest.raises(IntegrityError, match=constraint), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {row._meta.db_table} SET {column} = %s WHERE id = %s", [value, row.pk]
        )
