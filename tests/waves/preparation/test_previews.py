"""A preview reads what a preparation would select, and writes nothing. [W-7, X-4]"""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.db import InternalError, connection

from campaigns.models import Campaign
from tests.support.waves import KEY, NOW, campaign_with, nothing_written, request
from waves.preparation import previews
from waves.preparation.previews import judged_plan, preview, select_without_writing

pytestmark = pytest.mark.django_db

WRITES = ("insert", "update", "delete", "merge", "truncate", "create", "alter", "drop")


def test_x4_a_preview_of_several_plans_sends_postgresql_no_statement_that_writes():
    campaign, statements = campaign_with(12), []

    def note(execute, sql, params, many, context):
        statements.append(sql if isinstance(sql, str) else sql.as_string())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        plans = [judged_plan(request(campaign, min_score=least), now=NOW) for least in (None, 0.5)]
        few, fewer = select_without_writing(plans)
        preview(request(campaign), now=NOW)
    assert few.selection.candidates > fewer.selection.candidates
    assert any("SET TRANSACTION READ ONLY" in statement for statement in statements)
    first_words = {statement.split(maxsplit=1)[0].lower() for statement in statements}
    assert first_words.isdisjoint(WRITES)
    assert nothing_written()


def test_x4_postgresql_refuses_to_write_while_plans_are_selected(monkeypatch):
    campaign, select = campaign_with(12), previews.select_each

    def meddling(plans, lists):
        Campaign.objects.update(name="changed")
        return select(plans, lists)

    plan = judged_plan(request(campaign), now=NOW)
    monkeypatch.setattr(previews, "select_each", meddling)
    with pytest.raises(InternalError, match="read-only transaction"):
        select_without_writing([plan])


def test_x4_the_command_compares_the_plans_of_a_file(tmp_path, capsys):
    campaign, plans = campaign_with(30), tmp_path / "plans.json"
    plans.write_text('[{"capacities": {"east": 2}}]')
    options = {"notify_date": "2030-01-21T18:00:00Z", "plans": str(plans), "json": True}
    call_command("preview_wave", campaign.campaign_id, KEY, **options)
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["selected"] == 10
    assert [plan["change"] for plan in found["plans"]] == [-3]
    with pytest.raises(SystemExit):
        call_command("preview_wave", campaign.campaign_id, KEY, **(options | {"plans": "absent"}))
    assert "absent cannot be read" in json.loads(capsys.readouterr().out)["error"]
