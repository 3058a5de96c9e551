"""Queries that Athena runs; one that answers as we wish stands for it. [L-8]"""

from __future__ import annotations

import pytest

from datalake.aws.athena import AthenaUnreachable, Execution, Page
from datalake.errors import QueryRefused
from datalake.query import remote
from datalake.query.process import Limits

COLUMNS = [("email", "varchar"), ("n", "bigint"), ("share", "double"), ("ok", "boolean")]
HEADER = ["email", "n", "share", "ok"]


class Played:
    """An Athena whose queries are in these states, one after the other."""

    database = "fairwave"

    def __init__(self, *states, pages=()):
        self.states, self.pages = list(states), list(pages)
        self.started, self.stopped = [], []

    def start(self, sql):
        self.started.append(sql)
        return "e1"

    def look(self, execution):
        found = self.states.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def page(self, execution, *, after=""):
        return self.pages[int(after or 0)]

    def stop(self, execution):
        self.stopped.append(execution)
        raise AthenaUnreachable("gone")


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(remote, "LOOK_SECONDS", 0)


def ask(athena, *, check=lambda: None, **limits):
    within = Limits(**{"seconds": 60, "rows": 100, "memory_bytes": 1} | limits)
    return remote.run("SELECT email FROM scoring", within=within, check=check, athena=athena)


def test_a_query_is_looked_at_until_it_is_over_and_its_rows_have_their_types():
    pages = [
        Page(COLUMNS, [HEADER, ["a@b.example", "7", "0.5", "true"]], next="1"),
        Page(COLUMNS, [[None, None, "NaN", "false"]]),
    ]
    athena = Played(
        Execution("QUEUED"), Execution("RUNNING"), Execution("SUCCEEDED", "", 900), pages=pages
    )
    answer = ask(athena)
    assert answer.columns == COLUMNS
    assert answer.rows[0] == ["a@b.example", 7, 0.5, True]
    assert answer.rows[1][:2] == [None, None]
    assert (answer.bytes, answer.cut, athena.stopped) == (900, False, [])


@pytest.mark.parametrize("limits", [{"rows": 1}, {"answer_bytes": 5}])
def test_rows_beyond_the_limits_are_left_out_and_said(limits):
    rows = [HEADER, ["a", "1", "1", "true"], ["b", "2", "2", "true"]]
    athena = Played(Execution("SUCCEEDED"), pages=[Page(COLUMNS, rows, next="1")])
    answer = ask(athena, **limits)
    assert answer.cut
    assert len(answer.rows) <= 1


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (Execution("FAILED", "COLUMN_NOT_FOUND: line 1:8"), "COLUMN_NOT_FOUND"),
        (Execution("FAILED"), "could not run"),
        (Execution("CANCELLED"), "cancelled in Athena"),
    ],
)
def test_what_became_of_a_query_is_said_in_words(state, says):
    with pytest.raises(QueryRefused, match=says):
        ask(Played(state))


def test_a_query_that_takes_too_long_is_stopped_in_athena():
    athena = Played(Execution("RUNNING"), Execution("RUNNING"))
    with pytest.raises(QueryRefused, match="took more than -1 seconds"):
        ask(athena, seconds=-1)
    assert athena.stopped == ["e1"]


def test_a_query_that_a_person_stops_is_stopped_in_athena():
    def stop():
        raise KeyboardInterrupt

    athena = Played(Execution("RUNNING"))
    with pytest.raises(KeyboardInterrupt):
        ask(athena, check=stop)
    assert athena.stopped == ["e1"]


def test_an_athena_that_is_away_is_no_refusal():
    with pytest.raises(AthenaUnreachable, match="away"):
        ask(Played(AthenaUnreachable("away")))


def test_what_is_no_query_of_the_lake_is_never_sent():
    athena = Played()
    with pytest.raises(QueryRefused):
        remote.run("DROP TABLE scoring", within=Limits(1, 1, 1), check=ask, athena=athena)
    assert athena.started == []
