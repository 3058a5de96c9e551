"""The accepted lines of a score file and its corrected rows become one file. [S-14]"""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import CannotSupplement, UnreadableFile
from campaigns.models import FanScore, RejectedRow
from campaigns.supplements import merged_file
from campaigns.supplements.merged_file import without
from console.erasure import objects
from datalake.erased.erasing import Sought
from datalake.erased.fans import mark
from datalake.storage import buckets
from tests.campaigns.supplements.supplement_cases import (
    as_csv,
    corrected,
    make,
    refused,
    rejected_rows,
    supplemented,
)
from tests.support.campaigns import make_campaign, process_scores, score_file_bytes, score_row
from tests.support.score_files import messy, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_s14_the_accepted_lines_stand_in_it_byte_for_byte_and_in_order(packed, newline):
    content = score_file_bytes(
        [
            score_row(1, tmemail=" Fan1@Mail.Example "),
            b"\xff",
            score_row(2, sms="no"),
            b"",
            score_row(3),
        ],
        newline=newline,
        bom=True,
    ).removesuffix(newline)
    parent = process_scores(make_campaign(), gzip.compress(content, mtime=0) if packed else content)
    rows = rejected_rows(parent)
    child = make(parent, as_csv([rows[0] | score_row(9)])).received.score_file
    lines = content.split(newline)
    kept = newline.join([lines[0], lines[1], lines[3], lines[5]])
    assert read(child.key) == kept + b"\n" + "\t".join(score_row(9).values()).encode() + b"\n"
    assert child.key.startswith("received/")
    assert child.name == f"{parent.campaign.campaign_id}.{parent.timestamp}-s1.txt"


def test_s14_a_break_or_tab_in_a_cell_makes_its_row_malformed_and_shifts_no_other():
    parent = process_scores(
        make_campaign(), score_file_bytes([score_row(n, raw_local_fanscore="no") for n in range(4)])
    )
    rows = [row | {"raw_local_fanscore": "0.5"} for row in rejected_rows(parent)]
    rows[0]["member_id"], rows[1]["country_code"], rows[2]["id"] = "two\nlines", "US\r", "a\ttab"
    child = supplemented(parent, as_csv(rows))
    assert child.rejected_by == {"malformed_row": 3}
    assert FanScore.objects.get(score_file=child).global_user_id == "fan-3"


def test_s14_without_all_rejected_rows_or_with_other_bytes_there_is_no_supplement():
    parent = process_scores(make_campaign(), messy())
    content = as_csv(corrected(rejected_rows(parent))[:3])
    buckets.scoring().put(parent.key, messy(41))
    refused(parent, content, UnreadableFile, "changed in the bucket")
    buckets.scoring().put(parent.key, messy())
    RejectedRow.objects.filter(score_file=parent).order_by("-line").first().delete()  # type: ignore[union-attr]
    refused(parent, content, CannotSupplement, "are stored")


def test_s14_the_lines_left_out_are_those_that_were_rejected_also_in_pieces(monkeypatch):
    monkeypatch.setattr(merged_file, "PIECE_BYTES", 7)
    parent = process_scores(make_campaign(), messy())
    accepted = (
        FanScore.objects.filter(score_file=parent).order_by("line").values_list("line", flat=True)
    )
    lines = messy().splitlines(keepends=True)
    assert b"".join(merged_file._accepted(parent)) == lines[0] + b"".join(
        lines[line - 1] for line in accepted
    )


@given(
    st.lists(
        st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), min_size=1, max_size=12
    ),
    st.sets(st.integers(2, 14)),
    st.booleans(),
    st.integers(1, 9),
)
def test_s14_what_is_left_of_a_file_is_its_other_lines_byte_for_byte(
    lines, left_out, ends_well, size
):
    text = b"\n".join(lines) + b"\n" * ends_well
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    kept = b"".join(without(pieces, np.array(sorted(left_out), dtype=np.int64)))
    there = text.split(b"\n")
    there = there[:-1] if there[-1] == b"" else there
    assert kept == b"".join(
        line + b"\n" for number, line in enumerate(there, start=1) if number not in left_out
    )


def test_s14_x11_a_file_with_a_row_of_an_erased_fan_can_still_be_supplemented():
    """Whether the row was erased when it came, or an erasure has rewritten the file since."""
    mark("fan-1")
    rows = [score_row(1), score_row(2), score_row(3), score_row(4, global_user_id="")]
    parent = process_scores(make_campaign(), score_file_bytes(rows))
    assert parent.rejected_by == {"erased": 1, "missing_user_id": 1}
    (row,) = [each for each in rejected_rows(parent) if each["reason"] == "missing_user_id"]
    make(parent, as_csv([row | {"global_user_id": "fan-5"}]))
    list(objects.erase_objects(Sought("fan-2", 1), lambda place: None))
    child = supplemented(parent, as_csv([row | {"global_user_id": "fan-6"}]))
    fans = FanScore.objects.filter(score_file=child).values_list("global_user_id", flat=True)
    assert ({*fans}, child.rejected_by) == ({"fan-3", "fan-6"}, {"erased": 1})
