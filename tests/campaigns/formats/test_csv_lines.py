"""CSV as tab-separated lines: each line stays one, whatever the bytes are. [C-4, S-15]"""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.formats.csv_lines import TabSeparated, as_lines
from campaigns.formats.score_rows import LONGEST_LINE


def translated(content: bytes, size: int = 1 << 20) -> bytes:
    file = TabSeparated(io.BytesIO(content))
    return b"".join(iter(lambda: file.read(size), b""))


def record_at(text: str, start: int) -> tuple[int, list[str] | None]:
    """Where the record that begins here ends (behind its LF), and its fields; None if its quotes
    are out of place.

    Read letter by letter as RFC 4180 says; a record out of order ends with its first line.
    """
    fields, field, at, quoted = [], "", start, text.startswith('"', start)
    at += quoted
    while at < len(text):
        letter = text[at]
        if quoted and text.startswith('""', at):
            field, at = field + '"', at + 2
        elif quoted and letter == '"':
            end = text[at + 1 : at + 3]
            if not (end[:1] in {",", "\n"} or end == "\r\n"):
                break
            quoted, at = False, at + 1
        elif quoted:
            field, at = field + letter, at + 1
        elif letter == '"':
            break
        elif letter == ",":
            fields.append(field)
            field, quoted = "", text.startswith('"', at + 1)
            at += 1 + quoted
        elif letter == "\n":
            return at + 1, [*fields, field.removesuffix("\r")]
        else:
            field, at = field + letter, at + 1
    return text.index("\n", start) + 1, None


def expected(text: str) -> list[list[str] | None]:
    """The fields of each line, None where it cannot spell them or is a part of a longer record."""
    text = text if text.endswith("\n") or not text else text + "\n"
    records: list[list[str] | None] = []
    at = 0
    while at < len(text):
        start, (at, fields) = at, record_at(text, at)
        whole = fields is not None and not any(set("\t\n") & set(field) for field in fields)
        records += [fields if whole else None] * text.count("\n", start, at)
    return records


@given(st.text(alphabet='",\n\r\tab', max_size=40), st.integers(1, 12))
@settings(max_examples=400)
def test_any_text_is_read_as_a_plain_reader_reads_it(text, size):
    lines = translated(text.encode(), size).decode().split("\n")[:-1]
    records = expected(text)
    assert len(lines) == len(records)
    for line, fields in zip(lines, records, strict=True):
        if fields is None:
            assert "\t" not in line
        else:
            assert line.removesuffix("\r").split("\t") == fields


@given(
    st.lists(
        st.lists(
            st.text(max_size=6).filter(lambda text: not set("\t\n\r\x00") & set(text)),
            min_size=2,
            max_size=4,
        )
    ),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
)
def test_what_a_csv_writer_writes_is_read_back(records, quoting, newline, size):
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator=newline).writerows(records)
    lines = translated(out.getvalue().encode(), size).decode().split("\n")[:-1]
    assert [line.removesuffix("\r").split("\t") for line in lines] == records


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a,1\nb,2", b"a\t1\nb\t2\n"),
        (b'"a,b",1\r\n"say ""x""",2\r\n', b'a,b\t1\r\nsay "x"\t2\r\n'),
        (b'"",""""\n', b'\t"\n'),
        (b"\n\r\n", b"\n\r\n"),
        (b'a"",b\nc,1\n', b'a"",b\nc\t1\n'),
        (b"a\tb,1\nc,2\n", b"a\\tb,1\nc\t2\n"),
        (b'"a\r\nb,1\r\nb",1\nc,2\n', b'"a\nb,1\nb",1\nc\t2\n'),
    ],
)
def test_lines_are_as_expected(content, lines):
    assert translated(content) == lines


@pytest.mark.parametrize("wrong", [b'"abc,1', b'5" disc,1', b'"a"b,1', b'"a" ,1'])
def test_a_quote_out_of_place_spoils_its_own_line_and_no_other(wrong):
    content = b"x,1\n" + wrong + b'\ny,2\n"z",3\n' + wrong + b"\n"
    assert translated(content) == b"x\t1\n" + wrong + b"\ny\t2\nz\t3\n" + wrong + b"\n"


@pytest.mark.parametrize("size", [1_000, 1 << 16, 1 << 23])
def test_a_line_without_end_is_cut_and_the_next_is_read(size):
    content = b"x,1\n" + b"," * (3 * LONGEST_LINE) + b"\ny,2\n" + b"a" * (2 * LONGEST_LINE)
    lines = translated(content, size).split(b"\n")
    assert (lines[0], lines[2], len(lines)) == (b"x\t1", b"y\t2", 5)
    assert len(lines[3]) <= 2 * LONGEST_LINE


@pytest.mark.parametrize("size", [1 << 16, 1 << 23])
def test_a_quote_that_closes_only_behind_a_megabyte_counts_as_never_closed(size):
    fillers = LONGEST_LINE // 2  # two megabytes
    lines = translated(b'"open,1\n' + fillers * b"f,0\n" + b'x",2\ny,3\n', size).split(b"\n")
    assert len(lines) == 1 + fillers + 2 + 1
    assert lines[0] == b'"open,1'
    assert set(lines[1:-3]) == {b"f\t0"}
    assert lines[-3:] == [b'x",2', b"y\t3", b""]


def test_a_record_that_may_go_on_waits_for_the_next_block():
    assert as_lines(b'a,1\n"b\n') == (b"a\t1\n", b'"b\n')
    assert as_lines(b'a,1\n"b\n', is_last=True) == (b'a\t1\n"b\n', b"")
