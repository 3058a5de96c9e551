"""A query's rows from files that are open, and what is said where there are none. [L-8]"""

from __future__ import annotations

import json
import os

import pytest

from datalake import records
from datalake.query import tables
from datalake.query.engine import answering
from tests.support.avro_files import written
from tests.support.lake import registration

SCHEMAS = {name: dict(schema.avro) for name, schema in tables.schemas().items()}
DEMAND = {
    "type": "demand",
    "fanId": "fan-1",
    "eventId": "e",
    "saleId": "s",
    "date": {"requested": "2026-01-20T00:00:00.000Z"},
    "system": {"id": "sys", "databaseId": "db", "memberId": "m"},
    "reference": {"id": "r", "timestamp": "t"},
}


@pytest.fixture
def ask(tmp_path, capsys):
    def ask(sql, *record_types, **more):
        for name in record_types:
            if not (tmp_path / name).exists():
                (tmp_path / name / "days").mkdir(parents=True)
        question = {
            "step": "run",
            "sql": sql,
            "tables": {name: SCHEMAS[name] for name in record_types},
            "folder": str(tmp_path),
            "memory_bytes": 200 << 20,
            "most_rows": 100,
            "most_bytes": 10_000,
        }
        answering.answer(question | more)
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return ask


def rows(answer):
    return [line for line in answer if isinstance(line, list)]


def put(tmp_path, place, record_type, data, schema=None):
    """A file as the parent leaves it: a link to one that is open."""
    file = tmp_path / f"{place.replace('/', '-')}.avro"
    file.write_bytes(written(schema or SCHEMAS[record_type], data, codec="snappy"))
    number = os.open(file, os.O_RDONLY)
    file.unlink()
    link = tmp_path / record_type / place / f"{number}.avro"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"/proc/self/fd/{number}")
    return number


def test_days_and_months_make_one_table(ask, tmp_path):
    """[L-4]"""
    fans = [records.normalise(registration(number)) for number in range(3)]
    later = fans[2] | {"date": {"created": "2026-02-03T10:00:00.000Z"}}
    put(tmp_path, "days/partition_date=2026-01-20", "registration", fans[:2])
    put(tmp_path, "months", "registration", [later])
    sql = "SELECT partition_date, globalUserId, date.created, tags FROM registration ORDER BY 2"
    assert rows(ask(sql, "registration")) == [
        ["2026-01-20", "fan-0", "2026-01-20T10:30:00.000Z", ["unconfirmed_phone"]],
        ["2026-01-20", "fan-1", "2026-01-20T10:30:00.000Z", ["unconfirmed_phone"]],
        ["2026-02-03", "fan-2", "2026-02-03T10:00:00.000Z", ["unconfirmed_phone"]],
    ]
    february = "SELECT count(*) FROM registration WHERE partition_date >= '2026-02-01'"
    assert rows(ask(february, "registration")) == [[1]]


def test_a_table_of_months_alone_has_its_days(ask, tmp_path):
    """[L-4]"""
    put(tmp_path, "months", "registration", [records.normalise(registration(1))])
    sql = "SELECT partition_date FROM registration WHERE partition_date < '2026-01-21'"
    assert rows(ask(sql, "registration")) == [["2026-01-20"]]


def test_names_inside_records_are_found_in_any_case(ask, tmp_path):
    put(tmp_path, "days/partition_date=2026-01-20", "demand", [DEMAND, DEMAND | {"system": None}])
    sql = "SELECT system.databaseId, SYSTEM.MEMBERID, system FROM demand ORDER BY 1 NULLS LAST"
    system = {"id": "sys", "databaseid": "db", "memberid": "m"}
    assert rows(ask(sql, "demand")) == [["db", "m", system], [None, None, None]]


def test_files_of_an_earlier_schema_have_null_where_a_field_is_newer(ask, tmp_path):
    """[L-1]"""
    old = SCHEMAS["scoring"]
    new = old | {
        "fields": [*old["fields"], {"name": "rankOf", "type": ["null", "string"], "default": None}]
    }
    score = records.normalise(registration(1)) | {
        "type": "scoring",
        "score": 0.5,
        "band_score": 0.6,
    }
    put(tmp_path, "days/partition_date=2026-01-20", "scoring", [score])
    put(
        tmp_path, "days/partition_date=2026-01-21", "scoring", [score | {"rankOf": "7"}], schema=new
    )
    sql = "SELECT partition_date, score, rankOf FROM scoring ORDER BY 1"
    answer = ask(sql, "scoring", tables={"scoring": new})
    assert rows(answer) == [["2026-01-20", 0.5, None], ["2026-01-21", 0.5, "7"]]


def test_rows_and_bytes_beyond_the_limit_are_left_out_and_said(ask):
    values = "SELECT * FROM (VALUES ('a'), ('b'), ('c')) AS t(x)"
    assert ask(values)[-1] == {"done": True, "cut": False}
    assert ask(values, most_rows=2)[1:] == [["a"], ["b"], {"done": True, "cut": True}]
    assert ask(values, most_bytes=13)[1:] == [["a"], ["b"], {"done": True, "cut": True}]
    huge = "SELECT repeat('x', 100000) FROM (VALUES (1), (2)) AS t(x)"
    assert ask(huge)[1:] == [{"done": True, "cut": True}]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELEC 1", "Expected: an SQL statement, found: SELEC at Line: 1, Column: 1"),
        ("SELECT 'a", "Unterminated string literal at Line: 1, Column: 8"),
        ("SELECT nope FROM registration", "No field named nope"),
        ("SELECT * FROM nope", "table 'datafusion.public.nope' not found"),
        ("SELECT 1/0", "Divide by zero"),
        ("EXPLAIN SELECT 1", "Only SELECT is allowed; Explain is not."),
        ("SELECT 1; SELECT 2", "only supports a single SQL statement"),
        ("SELECT * FROM range(1, 2)", "table function 'range' not found"),
    ],
)
def test_a_refusal_is_what_the_engine_says_in_one_line(ask, sql, says):
    [*_, last] = ask(sql, "registration")
    assert says in last["refused"]
    assert "\n" not in last["refused"]
    assert not last["refused"].startswith(("SQL error", "Error during", "Schema error"))


def test_more_memory_than_the_engine_may_take_is_said(ask):
    product = "SELECT count(DISTINCT a.v || b.v) FROM (SELECT unnest(range(1, 3000))::text v) a"
    answer = ask(f"{product}, (SELECT unnest(range(1, 3000))::text v) b", memory_bytes=4 << 20)
    assert answer[-1] == {"exhausted": True}


def test_memory_that_the_system_refuses_is_said(ask, monkeypatch):
    def refused(asked):
        raise ValueError("failed to allocate 9 elements: memory allocation failed because …")

    monkeypatch.setattr(answering, "_run", refused)
    assert ask("SELECT 1") == [{"exhausted": True}]
