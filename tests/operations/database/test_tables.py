"""Tables that are made together: their keys may go in a circle, and Django's models of them are made
once.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState, StateApps

from operations.database.statements import rows
from operations.database.tables import CreateModels

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db

KEYS = """
SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND conrelid::regclass::text IN ('egg_hen', 'egg_egg') ORDER BY 1
"""


def table(name: str, to: str) -> CreateModel:
    key = models.ForeignKey(to, on_delete=models.CASCADE, null=True)
    return CreateModel(name, fields=[("id", models.BigAutoField(primary_key=True)), ("of", key)])


@pytest.fixture
def together() -> CreateModels:
    return CreateModels([table("Hen", "egg.Egg"), table("Egg", "egg.Hen")])


def test_tables_whose_keys_go_in_a_circle_are_made_and_dropped(together):
    before, after = ProjectState(), ProjectState()
    together.state_forwards("egg", after)
    with connection.schema_editor() as editor:
        together.database_forwards("egg", editor, before, after)
    assert rows(KEYS) == [("egg_egg", "egg_hen"), ("egg_hen", "egg_egg")]
    with connection.schema_editor() as editor:
        together.database_backwards("egg", editor, after, before)
    assert rows(KEYS) == []


def test_models_are_made_once_for_all_tables_also_where_others_were_made_before(
    together, monkeypatch
):
    made: list[int] = []
    render = StateApps.render_multiple

    def counted(apps: StateApps, states: list[object]) -> None:
        made.append(len(states))
        render(apps, states)

    monkeypatch.setattr(StateApps, "render_multiple", counted)
    state = ProjectState()
    table("Nest", "egg.Nest").state_forwards("egg", state)
    assert len(state.apps.get_models()) == 1
    together.state_forwards("egg", state)
    assert len(state.apps.get_models()) == 3
    assert made == [1, 3]
    assert together.describe() == "Create 2 tables"


# Of our tables: columns with an index of their own, where another index of all rows begins with them.
DOUBLED = """
SELECT a.indrelid::regclass::text, array_agg(att.attname::text)
FROM pg_index a
JOIN pg_index b ON b.indrelid = a.indrelid AND b.indnatts > 1 AND b.indkey[0] = a.indkey[0]
    AND b.indclass[0] = a.indclass[0] AND b.indpred IS NULL
JOIN pg_attribute att ON att.attrelid = a.indrelid AND att.attnum = a.indkey[0]
JOIN pg_class t ON t.oid = a.indrelid AND NOT t.relispartition
WHERE a.indnatts = 1 AND NOT a.indisunique AND a.indpred IS NULL
    AND split_part(t.relname, '_', 1) = ANY(%(apps)s)
GROUP BY 1 ORDER BY 1
"""


def test_no_row_is_entered_into_an_index_that_another_makes_needless():
    """A foreign key that begins another index has `db_index=False`: each index costs every row."""
    ours = [app.label for app in apps.get_app_configs() if Path(app.path).parent == ROOT]
    assert {"campaigns", "waves"} <= set(ours)
    assert rows(DOUBLED, apps=ours) == []
