"""`lake_query`: SQL over the lake from the command line. [L-8, O-7]"""

from __future__ import annotations

import io
import json
import sys

import pytest
from django.core.management import call_command

from console.models import PersonalDataAccess
from datalake.errors import QueryRefused
from datalake.query import local
from datalake.query.local import Answer
from datalake.query.models import LakeQuery
from tests.support.people import member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)
FOUND = Answer([("email", "string"), ("n", "int64")], [["=fan@example.com", 2]], True, 3, 900)


@pytest.fixture
def ask(monkeypatch, capsys):
    monkeypatch.setattr(local, "run", lambda sql, **others: FOUND)
    member_of("analyst", name="ana")

    def ask(*arguments, by="ana", sql="SELECT 1"):
        status = 0
        try:
            call_command("lake_query", sql, *arguments, "--by", by)
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        return status, out, err

    return ask


def test_a_table_is_shown_and_the_query_is_in_the_history(ask):
    status, out, err = ask()
    assert (status, out.split("\n")[0].split()) == (0, ["email", "n"])
    assert "1 row, the limit; there are more. Read 3 files" in err
    query = LakeQuery.objects.get()
    assert (query.sql, query.by.username, query.rows) == ("SELECT 1", "ana", 1)
    assert not PersonalDataAccess.objects.exists()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("csv", "email,n\n=fan@example.com,2\n"),  # for machines, so verbatim
        ("json", '[{"email": "=fan@example.com", "n": 2}]\n'),
    ],
)
def test_an_export_is_all_of_standard_output_and_its_reason_is_logged(ask, kind, expected):
    status, out, _ = ask("--format", kind, "--reason", "for the label")
    assert (status, out) == (0, expected)
    access = PersonalDataAccess.objects.get()
    assert (access.what, access.reason) == ("exported", "for the label")
    assert access.subject == f"lake query {LakeQuery.objects.get().pk}"


def test_a_query_is_read_from_standard_input(ask, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT email\nFROM scoring\n"))
    ask(sql="-")
    assert LakeQuery.objects.get().sql == "SELECT email\nFROM scoring"


def test_an_export_without_a_reason_is_refused(ask):
    status, out, err = ask("--format", "csv")
    assert (status, out) == (1, "")
    assert "--reason" in err
    assert not LakeQuery.objects.exists()


def test_json_on_the_last_line_has_the_rows_where_they_are_asked_for(ask):
    _, out, _ = ask("--json")
    assert json.loads(out)["rows"] == 1
    assert "result" not in json.loads(out)
    _, out, _ = ask("--json", "--format", "json", "--reason", "r")
    assert json.loads(out)["result"] == [{"email": "=fan@example.com", "n": 2}]


def test_a_refusal_is_one_line(ask, monkeypatch):
    def refuse(sql, **others):
        raise QueryRefused("No field named nope.")

    monkeypatch.setattr(local, "run", refuse)
    status, out, err = ask()
    assert (status, out, err) == (1, "", "No field named nope.\n")


def test_who_may_not_query_is_refused(ask):
    """[O-5]"""
    staff("viewer", "datalake.view_lakefile")
    status, _, err = ask(by="viewer")
    assert status == 1
    assert "datalake.query_lake" in err
    assert not LakeQuery.objects.exists()
