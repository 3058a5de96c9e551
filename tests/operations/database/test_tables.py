"""Tables that are made together: their keys may go in a circle, and Django's models of them are made
once.
"""

from __future__ import annotations

import pytest
from django.db import connection, models
from django.db.migrations import CreateModel
from django.db.migrations.state import ProjectState, StateApps

from operations.database.statements import rows
from operations.database.tables import CreateModels

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
