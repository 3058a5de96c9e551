"""What a query may be, and which days of which tables it reads. [L-4, L-8]"""

from __future__ import annotations

import pytest

from datalake.query import tables
from datalake.query.engine import planning

TABLES = {name: dict(schema.avro) for name, schema in tables.schemas().items()}
PERIODS = {name: ["2026-01-30", "2026-01-31", "2026-02"] for name in TABLES}
ALL = PERIODS["scoring"]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    made = planning.session(100 << 20)
    planning.register_empty(made, str(tmp_path_factory.mktemp("empty")), TABLES)
    return made


def reads(context, sql):
    return planning.periods_read(planning.checked(context, sql, TABLES), PERIODS)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", {}),
        ("SELECT count(*) FROM Scoring;", {"scoring": ALL}),
        (
            "SELECT 1 FROM codeassignment WHERE partition_date > '2026-01-30'",
            {"codeAssignment": ALL[1:]},
        ),
        ("SELECT 1 FROM scoring WHERE partition_date = '2026-02-28'", {"scoring": ["2026-02"]}),
        ("SELECT 1 FROM scoring WHERE partition_date = '2026-02-29'", {"scoring": []}),
        ("SELECT 1 FROM scoring WHERE partition_date LIKE '2026-01-3_'", {"scoring": ALL[:2]}),
        (
            "SELECT 1 FROM scoring s WHERE s.score > 1 AND s.partition_date = '2026-01-30'",
            {"scoring": ALL[:1]},
        ),
        (
            "SELECT 1 FROM scoring WHERE score > 1 OR partition_date = '2026-01-30'",
            {"scoring": ALL},
        ),
        ("SELECT 1 FROM scoring WHERE campaignId > partition_date", {"scoring": ALL}),
        (
            "WITH a AS (SELECT * FROM scoring) SELECT 1 FROM a JOIN registration r USING (globalUserId) WHERE a.partition_date = '2026-01-30' AND r.partition_date = '2026-01-31'",
            {"scoring": ALL[:1], "registration": ALL[1:2]},
        ),
        (
            "SELECT (SELECT max(score) FROM scoring WHERE partition_date = '2026-01-30') FROM scoring WHERE partition_date = '2026-01-31'",
            {"scoring": ALL[:2]},
        ),
        (
            "SELECT system.databaseId FROM demand WHERE NOT EXISTS (SELECT 1 FROM event WHERE id = eventId)",
            {"demand": ALL, "event": ALL},
        ),
    ],
)
def test_a_query_reads_the_periods_that_its_conditions_on_the_day_let_through(
    context, sql, expected
):
    assert reads(context, sql) == expected


@pytest.mark.parametrize("name", planning.TABLE_FUNCTIONS)
def test_functions_that_make_tables_are_not_there(context, name):
    """Not only refused among the tables: one that is there is run while the query is planned."""
    with pytest.raises(Exception, match=f"table function '{name}' not found"):
        planning.checked(context, f"SELECT * FROM {name}(1, 2)", TABLES)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM file.'/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('s3://bucket/key')",
        "SELECT * FROM generate_series(1, 1000000000000)",
        "SELECT * FROM range(1, 2)",
        "SELECT getenv('HOME')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT @@version",
        "SHOW TABLES",
        "SHOW ALL",
        "DESCRIBE scoring",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT * FROM scoring",
        "SET datafusion.catalog.information_schema = true",
        "RESET datafusion.catalog.information_schema",
        "PRAGMA database_list",
        "ATTACH 'x' AS y",
        "INSTALL httpfs",
        "LOAD httpfs",
        "COPY scoring TO 'x.csv'",
        "COPY (SELECT 1) TO 'x.csv' STORED AS CSV",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION x() RETURNS INT RETURN 1",
        "DROP TABLE scoring",
        "DELETE FROM scoring",
        "UPDATE scoring SET score = 1",
        "INSERT INTO scoring SELECT * FROM scoring",
        "TRUNCATE scoring",
        "PREPARE x AS SELECT 1",
        "EXECUTE x",
        "BEGIN",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE scoring",
        "/* */ DROP TABLE scoring -- SELECT",
        "WITH x AS (DELETE FROM scoring RETURNING *) SELECT * FROM x",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t",
        "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
        "SELECT " + "-" * 10_000 + "1",
        "SELECT * FROM " + "(SELECT * FROM " * 500 + "scoring" + ")" * 500,
        "SELECT 1 \x00",
        "ＳＥＬＥＣＴ 1",
        "SELECT * FROM \u202egnirocs",
        "",
        ";",
        "-- nothing",
    ],
)
def test_what_is_no_query_of_the_lake_is_refused(context, sql):
    """Files, environment, settings, writes, several statements, recursion, other alphabets."""
    with pytest.raises(Exception):  # noqa: B017 of the engine, or ours
        planning.checked(context, sql, TABLES)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE x AS SELECT 1",
        "COPY (SELECT 1) TO 'x.csv' STORED AS CSV",
        "INSERT INTO scoring SELECT * FROM scoring",
        "SET datafusion.catalog.information_schema = true",
        "PREPARE x AS SELECT 1",
        "SELECT * FROM range(1, 2)",
        "SELECT * FROM generate_series(1, 2)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t",
    ],
)
def test_the_engine_itself_refuses_it_before_a_plan_is_looked_at(context, sql):
    """Either of two lines would do."""
    with pytest.raises(ValueError, match=r"not supported|not found|n.t match|not enabled"):
        context.sql(sql, planning.QUERIES_ONLY)


def test_comments_and_other_alphabets_in_texts_are_allowed(context):
    sql = "/* größer */ SELECT count(*) -- ; DROP TABLE scoring\n FROM scoring WHERE email = 'ö\u202e'"
    assert reads(context, sql) == {"scoring": ALL}


def test_a_table_that_a_session_has_besides_is_refused(context):
    context.from_pydict({"a": [1]}, name="secret")
    with pytest.raises(planning.NotAllowed, match="no table secret"):
        planning.checked(context, "SELECT * FROM secret", TABLES)
