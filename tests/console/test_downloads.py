"""Files for people run in no spreadsheet, whatever their cells hold. [O-7]"""

from __future__ import annotations

import csv
import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from console.downloads import ROWS_AT_ONCE, csv_lines, neutralised_file, neutralised_zip
from operations.adminkit.spreadsheets import RUN_BY_SPREADSHEETS, neutralised

rows = st.lists(st.lists(st.text(), min_size=1, max_size=3), max_size=5)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(rows)
def test_o7_rows_are_read_back_with_every_cell_made_harmless(rows):
    written = "".join(csv_lines(rows))
    if not any("\r" in cell or "\0" in cell for row in rows for cell in row):
        expected = [[neutralised(cell) for cell in row] for row in rows]
        assert [row for row in read(written) if row] == [row for row in expected if row]
    for row in read(written.replace("\0", "")):
        assert not any(cell.startswith(RUN_BY_SPREADSHEETS) for cell in row)


def test_o7_many_rows_come_in_pieces_and_none_is_lost():
    rows = [[str(number)] for number in range(2 * ROWS_AT_ONCE + 1)]
    pieces = list(csv_lines(rows))
    assert len(pieces) == 3
    assert read("".join(pieces)) == rows


def test_o7_a_file_of_the_bucket_is_neutralised_and_closed():
    file = io.BytesIO(b"fan\tnote\n1\t=1+1\n")
    assert read("".join(neutralised_file(file, delimiter="\t"))) == [
        ["fan", "note"],
        ["1", "'=1+1"],
    ]
    assert file.closed


def test_o7_each_file_of_a_zip_is_neutralised():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr("a.csv", "+1,x\n")
        target.writestr("b.csv", "@b\n")
    with zipfile.ZipFile(neutralised_zip(packed)) as made:
        assert {name: read(made.read(name).decode()) for name in made.namelist()} == {
            "a.csv": [["'+1", "x"]],
            "b.csv": [["'@b"]],
        }
