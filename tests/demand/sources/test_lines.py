"""A file of change events is read line by line, some at a time. [D-1]"""

from __future__ import annotations

import io

import pytest

from demand.sources import lines
from demand.sources.lines import batches_of, count_lines


def spans(content: bytes) -> list[tuple[str, str, int]]:
    return [(each.first, each.last, len(each.raws)) for each in batches_of(io.BytesIO(content))]


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n\n", b"", b"\n \t\n"])
def test_d1_a_byte_order_mark_alone_is_a_blank_line(content):
    assert list(batches_of(io.BytesIO(content))) == []


def test_d1_a_thousand_events_are_a_batch_and_blank_lines_are_none():
    content = b"\n" + b"{}\n" * 1_000 + b" \r\n\n" + b"[]\n" * 3 + b"\n"
    assert spans(content) == [("2", "1001", 1_000), ("1004", "1006", 3)]
    assert count_lines(io.BytesIO(content), most_bytes=10**9) == 1_007


def test_d1_the_last_line_need_not_end_and_may_be_the_only_one():
    assert spans(b"{}") == [("1", "1", 1)]
    assert count_lines(io.BytesIO(b"{}\n[]"), most_bytes=99) == 2
    assert spans(b"") == spans(b"\n\n") == []


def test_large_events_make_small_batches(monkeypatch):
    monkeypatch.setattr(lines, "MOST_BYTES", 100)
    assert [count for *_, count in spans((b"x" * 40 + b"\n") * 7)] == [3, 3, 1]


def test_a_line_without_end_is_one_error_that_names_its_size_and_is_not_held(monkeypatch):
    monkeypatch.setattr(lines, "MOST_PARSED_BYTES", 1_000)
    long = b'{"a": "' + b"x" * 5_000_000 + b'"}'
    (batch,) = batches_of(io.BytesIO(b"{}\n" + long + b"\n{}\n"))
    first, second, third = batch.raws
    assert (first, third, batch.numbers) == (b"{}", b"{}", [1, 2, 3])
    assert second.error_type == "too_large"
    assert f"{len(long):,} bytes" in second.message
    assert len(second.kept) < 3_000
