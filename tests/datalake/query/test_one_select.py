"""What may be sent to Athena. [L-8]"""

from __future__ import annotations

import pytest

from datalake.errors import QueryRefused
from datalake.query.one_select import checked

TABLES = ["scoring", "codeassignment"]


def check(sql):
    return checked(sql, tables=TABLES, database="fairwave")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT marketId, COUNT(*) FROM scoring WHERE month = '2026-01' GROUP BY marketId",
        "WITH a AS (SELECT * FROM Scoring) SELECT * FROM a CROSS JOIN codeassignment",
        "WITH a AS (SELECT 1), b AS (SELECT * FROM A) SELECT * FROM scoring UNION SELECT * FROM b",
        "WITH a AS (SELECT 1) SELECT 1 FROM scoring WHERE EXISTS(SELECT 1 FROM a)",
        "SELECT * FROM fairwave.scoring UNION ALL SELECT * FROM scoring",
        "SELECT tag FROM scoring CROSS JOIN UNNEST(tags) AS t(tag)",
        'SELECT "date".created FROM scoring WHERE EXISTS(SELECT 1 FROM codeassignment)',
    ],
)
def test_a_select_over_the_tables_of_the_lake_is_sent(sql):
    assert check(f"{sql};") == sql


def test_what_is_sent_is_what_was_read_without_comments():
    sent = check("SELECT /* a */ 1 -- ; DROP TABLE scoring\nFROM scoring")
    assert sent == "SELECT 1 FROM scoring"


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DROP TABLE scoring", "Only SELECT"),
        ("DELETE FROM scoring", "Only SELECT"),
        ("INSERT INTO scoring SELECT * FROM scoring", "Only SELECT"),
        ("CREATE TABLE x AS SELECT * FROM scoring", "Only SELECT"),
        ("CREATE VIEW x AS SELECT 1", "Only SELECT"),
        ("UNLOAD (SELECT * FROM scoring) TO 's3://elsewhere/'", "Only SELECT"),
        (
            "MERGE INTO scoring a USING scoring b ON a.x = b.x WHEN MATCHED THEN DELETE",
            "Only SELECT",
        ),
        ("ALTER TABLE scoring ADD PARTITION (month = '1')", "Only SELECT"),
        ("MSCK REPAIR TABLE scoring", "Only SELECT"),
        ("EXPLAIN SELECT 1", "Only SELECT"),
        ("SHOW TABLES", "Only SELECT"),
        ("DESCRIBE scoring", "Only SELECT"),
        ("PREPARE x FROM SELECT 1", "Only SELECT"),
        ("EXECUTE x", "Only SELECT"),
        ("USING EXTERNAL FUNCTION f(x INT) RETURNS INT LAMBDA 'a' SELECT f(1)", "Only SELECT"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT * INTO x FROM scoring", "Only SELECT"),
        ("", "Only SELECT"),
        ("SELECT * FROM nope", "no table nope"),
        ('SELECT * FROM "scoring$partitions"', "no table"),
        ("SELECT * FROM information_schema.tables", "no database information_schema"),
        ("SELECT * FROM other.fairwave.scoring", "no database other"),
        ("WITH a AS (SELECT 1) SELECT * FROM fairwave.a", "no table a"),
        (
            "SELECT * FROM b WHERE EXISTS (WITH b AS (SELECT 1) SELECT 1 FROM b)",
            "no table b",
        ),
        ("SELECT * FROM (WITH b AS (SELECT 1) SELECT 1 FROM b) x, b", "no table b"),
        ("WITH b AS (SELECT * FROM b) SELECT * FROM b", "no table b"),
        ("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a", "no table b"),
        ("WITH RECURSIVE b(n) AS (SELECT * FROM scoring) SELECT * FROM b", "Recursive"),
        ("SELECT * FROM TABLE(sequence(1, 1000000))", "Table functions"),
        ("SELECT * FROM TABLE(system.query(query => 'x'))", "Table functions"),
        ("SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "nested too deeply"),
        ("SELECT FROM WHERE 'secret@example.com", "cannot be read"),
        ("SELECT a FROM scoring WHERE a = (1", "Line 1, column"),
    ],
)
def test_all_else_is_refused_in_words_that_do_not_repeat_the_text(sql, says, caplog):
    with pytest.raises(QueryRefused, match=says) as refusal:
        check(sql)
    assert "secret" not in f"{refusal.value}{caplog.text}"
    assert caplog.text == ""
