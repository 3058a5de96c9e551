from __future__ import annotations

import polars as pl
import pytest
from django.db import DataError, ProgrammingError, connection, transaction

from operations.database import copying
from operations.database.copying import (
    CSV,
    copy_in,
    copy_nullable,
    copy_pieces,
    copy_plain,
    copy_rows,
    frame_of,
    frames_of,
    nullable_frame_of,
    nullable_frames_of,
    pieces_of,
)
from tests.support.doors import EVERYTHING, around

pytestmark = pytest.mark.django_db(transaction=True)

ODD = ["", 'quote"d', "com,ma", "back\\slash", "\\N", "\\.", "O’Hara", " ", "NULL"]
SCHEMA = {"n": pl.Int64, "text": pl.String, "yes": pl.Boolean}
AS_TEXT = SCHEMA | {"yes": pl.String}
QUERY = "SELECT n, text, yes FROM copied ORDER BY n"


@pytest.fixture(autouse=True)
def table(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE copied (n bigint, text text, yes boolean, raw bytea)")
        yield
        cursor.execute("DROP TABLE copied")


def rows():
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        return cursor.fetchall()


def odd_frame():
    texts = [*ODD, None]
    return pl.DataFrame(
        {"n": range(len(texts)), "text": texts, "yes": [n % 2 == 0 for n in range(len(texts))]}
    )


def test_any_text_goes_in_as_it_is_and_none_becomes_empty():
    copy_in("copied", list(SCHEMA), odd_frame())
    assert [text for _, text, _ in rows()] == [*ODD, ""]


def test_plain_text_with_backslashes_goes_in_as_it_is_and_a_null_stays_one():
    copy_plain("copied", list(SCHEMA), odd_frame())
    assert [text for _, text, _ in rows()] == [*ODD, None]


def test_a_nullable_frame_keeps_empty_text_and_null_apart(monkeypatch):
    monkeypatch.setattr(copying, "WRITE_BYTES", 7)
    copy_nullable("copied", odd_frame())
    assert rows() == odd_frame().rows()


def test_only_the_named_columns_go_in_whatever_their_order():
    copy_in("copied", ["text", "n"], odd_frame().head(1))
    assert rows() == [(0, "", None)]


def test_rows_go_in_with_their_bytes_as_they_are():
    raw = bytes(range(256))
    copy_rows("copied", {"n": "int8", "raw": "bytea"}, [(7, raw)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, raw FROM copied")
        ((number, found),) = cursor.fetchall()
    assert (number, bytes(found)) == (7, raw)


def test_what_goes_in_belongs_to_the_current_transaction():
    with transaction.atomic():
        copy_pieces("copied", ["n", "text"], ["1\ta\n2", b"\tb\n"])
        transaction.set_rollback(True)
    assert rows() == []


def test_frames_come_out_over_a_connection_of_their_own_and_null_text_is_empty(monkeypatch):
    monkeypatch.setattr(copying, "READ_BYTES", 20)
    copy_nullable("copied", odd_frame())
    found = []
    for frame in frames_of(QUERY, SCHEMA):
        found.append(frame)
        copy_pieces("copied", ["n", "text"], ["-1\twritten while reading\n"])
    assert len(found) > 1
    assert pl.concat(found).rows() == odd_frame().with_columns(pl.col("text").fill_null("")).rows()
    assert found[0].schema == SCHEMA


def test_one_frame_comes_out_of_the_current_transaction():
    with transaction.atomic():
        copy_nullable("copied", odd_frame())
        found = frame_of(QUERY, SCHEMA)
    assert found.rows() == odd_frame().with_columns(pl.col("text").fill_null("")).rows()


def test_nullable_frames_keep_empty_text_and_null_apart(monkeypatch):
    monkeypatch.setattr(copying, "NULLABLE_BYTES", 20)
    copy_nullable("copied", odd_frame())
    frames = list(nullable_frames_of(QUERY, AS_TEXT))
    assert len(frames) > 1
    assert pl.concat(frames)["text"].to_list() == [*ODD, None]
    assert nullable_frame_of(QUERY, AS_TEXT).equals(pl.concat(frames))


def test_a_query_that_finds_nothing_gives_no_frame_or_an_empty_one():
    assert list(frames_of(QUERY, SCHEMA)) == list(nullable_frames_of(QUERY, SCHEMA)) == []
    assert frame_of(QUERY, SCHEMA).equals(pl.DataFrame(schema=SCHEMA))
    assert nullable_frame_of(QUERY, SCHEMA).equals(pl.DataFrame(schema=SCHEMA))


def test_a_query_takes_its_values_by_name():
    copy_pieces("copied", ["n", "text"], ["1\ta'b\n2\tc\n"])
    query = "SELECT n FROM copied WHERE text = ANY(%(texts)s) AND %(none)s IS NULL"
    assert b"".join(pieces_of(query, texts=["a'b", "x"], none=None)) == b"1\n"
    assert b"".join(pieces_of("SELECT 'a,b' AS x", CSV)) == b'"a,b"\n'


def test_errors_are_djangos():
    with pytest.raises(DataError):
        copy_pieces("copied", ["n"], ["no number\n"])
    with pytest.raises(ProgrammingError):
        list(pieces_of("SELECT nothing FROM nowhere"))


def test_a_query_that_fails_after_some_rows_says_so_and_the_connection_goes_on():
    failing = "SELECT 1 / (9000 - n) FROM generate_series(1, 10000) AS n"
    with pytest.raises(DataError, match="division by zero"):
        list(nullable_frames_of(failing, {"n": pl.Int64}))
    assert b"".join(pieces_of("SELECT 1")) == b"1\n"


def test_who_stops_reading_early_can_use_the_connection_for_something_else(monkeypatch):
    monkeypatch.setattr(copying, "READ_BYTES", 20)
    pieces = pieces_of("SELECT n FROM generate_series(1, 100000) AS n")
    assert next(pieces).startswith(b"1\n2\n")
    pieces.close()
    assert b"".join(pieces_of("SELECT 1")) == b"1\n"


def test_all_rows_come_out_however_many_wait_at_once(monkeypatch):
    monkeypatch.setattr(copying, "READ_BYTES", 1000)
    pieces = list(pieces_of("SELECT n FROM generate_series(1, 20000) AS n"))
    assert len(pieces) > 10
    assert b"".join(pieces).split() == [str(n).encode() for n in range(1, 20001)]


def test_copy_goes_through_one_module():
    pattern = r"cursor(\(\))?\.copy\(|FROM STDIN|TO STDOUT"
    assert around("operations/database/copying.py", pattern, roots=EVERYTHING) == []
