"""Results as text. [L-8]"""

from __future__ import annotations

import csv
import io
import json

from datalake.query import formats

COLUMNS = [("name", "string"), ("n", "int64")]
ROWS = [["größer", 1_000], [None, 2], ['a,"b"\n=1', None]]


def test_a_table_has_aligned_columns_and_one_line_a_row():
    assert formats.rendered("table", COLUMNS, ROWS).split("\n") == [
        "name         n",
        "größer    1000",
        "             2",
        'a,"b" =1',
    ]


def test_a_long_cell_of_a_table_is_shortened_and_a_wide_one_measured():
    lines = formats.rendered("table", [("a", "string"), ("b", "string")], [["日本", "x" * 99]])
    assert lines.split("\n") == ["a     b", f"日本  {'x' * 59}…"]


def test_csv_and_json_have_every_value_as_it_is():
    text = formats.rendered("csv", COLUMNS, [*ROWS, [["a"], True]])
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [
        ["größer", "1000"],
        ["", "2"],
        ['a,"b"\n=1', ""],
        ['["a"]', "true"],
    ]
    assert json.loads(formats.rendered("json", COLUMNS, ROWS))[0] == {"name": "größer", "n": 1_000}


def test_columns_of_the_same_name_are_all_in_json():
    columns = [(name, "int64") for name in ("n", "n_2", "n", "n")]
    assert formats.as_objects(columns, [[1, 2, 3, 4]]) == [{"n": 1, "n_2": 2, "n_3": 3, "n_4": 4}]


def test_a_result_without_rows_has_its_names():
    assert formats.rendered("table", COLUMNS, []) == "name  n"
    assert formats.rendered("csv", COLUMNS, []) == "name,n"
    assert formats.rendered("json", COLUMNS, []) == "[]"
