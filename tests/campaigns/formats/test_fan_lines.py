"""Lines of files without a fan. [X-11]"""

from __future__ import annotations

import io

import pytest

from campaigns.formats.fan_lines import without
from datalake.erased.erasing import Sought

ME = Sought("fan-7", 1, frozenset({"me@mail.example", "+12065550177", "m-7"}))
NAME = "erased:ref.1"


def result(text: str) -> tuple[list[str], int]:
    lines = list(without(io.BytesIO(text.encode()), ME, NAME))
    return [line.decode() for line, _ in lines], sum(changed for _, changed in lines)


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        (
            "id\ttmemail\tglobal_user_id\traw_local_fanscore",
            "9\tme@mail.example\tfan-7\t0.5",
            f"\t\t{NAME}\t0.5",
        ),
        ("globalUserId,email,code,marketId", "fan-7,me@mail.example,A1,west", f"{NAME},,A1,west"),
        ("email,global_user_id,line,reason", ",fan-7,4,no_contact", f",{NAME},4,no_contact"),
        (
            "email,global_user_id,line,reason",
            "ME@mail.example,,4,missing_user_id",
            ",,4,missing_user_id",
        ),
        ("global_user_id,email", "fan-7", ""),
        ("global_user_id,email", '"fan-7",me@mail.example', f"{NAME},"),
        ("0001,west,0.9", "fan-7\twest\t0.8", f"{NAME}\twest\t0.8"),
    ],
)
def test_x11_of_a_fans_line_the_evidence_stays(header, line, expected):
    separator = "\t" if "\t" in line and "global" not in header else None
    text = f"{header.replace(',', chr(9)) if separator else header}\n{line}\nother\n"
    lines, changed = result(text)
    assert (lines[1], changed) == (f"{expected}\n", 1)


@pytest.mark.parametrize(
    "line",
    [
        "fan-77,me2@mail.example",
        "fan-8,me@mail.example",  # who shares an address is somebody else
        "x-fan-7,",
        "fan-7-b,",
    ],
)
def test_x11_lines_of_others_keep_every_byte(line):
    text = f"global_user_id,email\r\n{line}\r\n"
    assert result(text) == (text.splitlines(keepends=True), 0)


def test_x11_bytes_that_are_no_text_stay_and_a_second_time_changes_nothing():
    data = b"global_user_id\temail\nfan-7\tme@mail.example\n\xff\xfe\tx\n"
    once = b"".join(line for line, _ in without(io.BytesIO(data), ME, NAME))
    assert once == f"global_user_id\temail\n{NAME}\t\n".encode() + b"\xff\xfe\tx\n"
    assert not any(changed for _, changed in without(io.BytesIO(once), ME, NAME))
