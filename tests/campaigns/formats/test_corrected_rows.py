"""What a spreadsheet makes of the rejected rows, and what it may not make of them. [C-4, S-14]"""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import BadCorrection
from campaigns.formats.corrected_rows import (
    Corrected,
    Original,
    as_lines,
    read,
    refuse_repeated,
)
from operations.adminkit.spreadsheets import LONGEST_CELL, as_meant, neutralised
from tests.support.campaigns import COLUMNS, score_row

ROW = tuple(score_row(1).values())
NEEDED = frozenset(COLUMNS)
ORIGINAL = Original("score file", tuple(COLUMNS), NEEDED)


def written(
    *rows: tuple[str, ...], header: tuple[str, ...] = (*COLUMNS, "line", "reason"), **dialect: str
) -> list[str]:
    out = io.StringIO()
    csv.writer(out, **dialect).writerows([header, *rows])
    return out.getvalue().splitlines(keepends=True)


def line_of(row: Corrected, reason: str = "missing_user_id", raw: str = "") -> bytes:
    (line,) = as_lines([row], {row.line: (reason, raw)}, ORIGINAL)
    return line


def corrected(*cells: str, reason: str = "missing_user_id") -> Corrected:
    return Corrected(17, reason, (*cells, *ROW[len(cells) :]))


def test_s14_columns_are_found_by_name_in_any_order_and_foreign_ones_are_nobodys():
    header = ("note", "reason", *reversed(COLUMNS), "line")
    (row,) = read(written(("mine", "no_contact", *reversed(ROW), " 17 "), header=header), ORIGINAL)
    assert row == Corrected(17, "no_contact", ROW)


def test_s14_a_column_that_nobody_uses_may_be_gone_and_may_share_a_name():
    columns = (*COLUMNS, "line", "seat", "line")
    header = (*COLUMNS, "line", "line", "line", "reason")
    (row,) = read(
        written((*ROW, "a", "b", "17", "no_contact"), header=header),
        replace(ORIGINAL, columns=columns),
    )
    assert row == Corrected(17, "no_contact", (*ROW, "a", "", "b"))


def test_s14_rows_that_somebody_emptied_are_passed_over():
    assert [
        row.line
        for row in read([*written((*ROW, "17", "no_contact")), ",,,,,,,,\r\n", "\r\n"], ORIGINAL)
    ] == [17]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_s14_another_separator_than_the_comma_is_named(separator):
    with pytest.raises(BadCorrection, match="commas"):
        list(read(written((*ROW, "17", "no_contact"), delimiter=separator), ORIGINAL))


@pytest.mark.parametrize("missing", ["sms", "line", "reason"])
def test_s14_a_needed_column_that_is_gone_is_named(missing):
    with pytest.raises(BadCorrection, match=f"is missing the column {missing}"):
        list(
            read(
                written(
                    header=tuple(name for name in (*COLUMNS, "line", "reason") if name != missing)
                ),
                ORIGINAL,
            )
        )


def test_s14_a_needed_column_that_stands_twice_is_named():
    with pytest.raises(BadCorrection, match="twice: sms"):
        list(read(written(header=(*COLUMNS, "sms", "line", "reason")), ORIGINAL))


@pytest.mark.parametrize("line", ["", "seventeen", "1.7E+01", "-4", "٣", "9" * 30])
def test_s14_a_row_without_its_line_number_is_refused(line):
    with pytest.raises(BadCorrection, match="line number"):
        list(read(written((*ROW, line, "no_contact")), ORIGINAL))


@pytest.mark.parametrize(
    "text",
    [
        [*written(), "1,2,3\r\n"],
        [*written(), '1,"never closed\r\n'],
        [*written(), '1,"two"words,3,4,5,6,7,17,no_contact\r\n'],
        [*written(), "x" * (LONGEST_CELL + 1) + ",2,3,4,5,6,7,17,no_contact\r\n"],
        [""],
        ["\x89PNG\r\n"],
    ],
)
def test_s14_what_is_no_csv_of_rejected_rows_is_refused_as_a_whole(text):
    with pytest.raises(BadCorrection, match="corrected file"):
        list(read(text, ORIGINAL))


def test_s14_a_row_of_another_score_file_is_refused_by_its_line():
    with pytest.raises(BadCorrection, match="Line 17 was not rejected"):
        list(as_lines([corrected()], {16: ("no_contact", "")}, ORIGINAL))
    with pytest.raises(BadCorrection, match="Line 17 was rejected as duplicate"):
        line_of(corrected(), "duplicate")


@pytest.mark.parametrize("reason", ["invalid_score", "no_contact", "blacklisted_email"])
def test_s14_a_row_that_names_another_fan_than_was_rejected_is_refused_by_its_line(reason):
    """A spreadsheet rounds ids with many digits, and a corrected score would go to somebody else."""
    raw = "\t".join((*ROW[:3], " 1234567890123456\u200b", *ROW[4:]))
    rounded, same = (
        corrected(*ROW[:3], fan, reason=reason) for fan in ("1.23457E+15", "1234567890123456")
    )
    with pytest.raises(BadCorrection, match=f"Line 17 was rejected as {reason}, but its global_us"):
        line_of(rounded, reason, raw)
    assert line_of(same, reason, raw).split(b"\t")[3] == b"1234567890123456"


@pytest.mark.parametrize("reason", ["malformed_row", "missing_user_id", "duplicate"])
def test_s14_where_the_id_was_the_reason_it_may_be_corrected(reason):
    line = line_of(corrected(*ROW[:3], "fan-7", reason=reason), reason, "\t".join(ROW))
    assert line.split(b"\t")[3] == b"fan-7"


def test_s14_a_line_that_comes_back_twice_is_refused():
    refuse_repeated(np.array([9, 5, 7]))
    with pytest.raises(BadCorrection, match="Line 5 appears twice"):
        refuse_repeated(np.array([9, 5, 7, 5]))


@given(st.lists(st.text(), min_size=7, max_size=7))
def test_s14_each_row_becomes_one_line_whatever_stands_in_its_cells(cells):
    """Breaks and tabs make the row malformed; they shift no other."""
    line = line_of(Corrected(17, "missing_user_id", tuple(cells)))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.count(b"\t") == 6 + sum(as_meant(cell).count("\t") for cell in cells)
    if any("\n" in cell or "\r" in cell for cell in cells):
        assert b"\v" in line


@given(st.text(max_size=6))
def test_o7_what_a_download_made_harmless_is_read_back_as_it_was(cell):
    """[S-14] Also a cell that began with an apostrophe before."""
    kept = cell.translate(str.maketrans("\r\n\t", "   "))
    for shown in (kept, neutralised(kept)):
        assert (
            line_of(corrected(shown), raw="\t".join((kept, *ROW[1:]))).split(b"\t")[0].decode()
            == kept
        )


def test_s14_a_cell_typed_anew_loses_the_apostrophe_that_the_download_put_before_others_like_it():
    assert (
        line_of(corrected("1", "a@mail.example", "'+12065550100"), raw="\t".join(ROW)).split(b"\t")[
            2
        ]
        == b"+12065550100"
    )


def test_s14_a_byte_that_nobody_could_read_stays_unreadable_until_somebody_corrects_it():
    """[S-11] The rejected rows show it as \\xNN; in a row that was well-formed that is what the fan
    typed.
    """
    unread = "fan\\xff7"
    malformed = corrected("1", "a@mail.example", "", unread, reason="malformed_row")
    assert line_of(malformed, "malformed_row").split(b"\t")[3] == b"fan\xff7"
    assert line_of(corrected("1", "a@mail.example", "", unread)).split(b"\t")[3] == b"fan\\xff7"


@pytest.mark.parametrize(
    "raw",
    ["", "only\tthree\tcolumns", "\t".join([*ROW, "eighth", "ninth"]), "a\x07b\t2\t3\t4\t5\t6\t7"],
)
def test_s14_a_malformed_row_that_nobody_touched_is_the_line_that_it_was(raw):
    """Its cells in the file are as many as the header's: that alone makes no good row of it."""
    cells = raw.split("\t", 6)
    shown = [neutralised(cell) for cell in cells] + [""] * (7 - len(cells))
    assert (
        line_of(Corrected(17, "malformed_row", tuple(shown)), "malformed_row", raw)
        == raw.encode() + b"\n"
    )
    touched = line_of(Corrected(17, "malformed_row", ("new", *shown[1:])), "malformed_row", raw)
    assert touched.split(b"\t")[0] == b"new"
    assert touched.count(b"\t") >= 6


def test_s14_what_is_left_of_a_line_that_was_cut_is_no_good_row_untouched():
    raw = "\t".join([*ROW[:6], "x" * 2000])
    cells = tuple(raw.split("\t"))
    assert b"\v" in line_of(Corrected(17, "malformed_row", cells), "malformed_row", raw)
