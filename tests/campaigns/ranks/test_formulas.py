"""Ranks become scores. [S-15]"""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.choices import ScoringType
from campaigns.errors import UnreadableFile
from campaigns.formats.csv_lines import TabSeparated
from campaigns.formats.score_rows import Header, read_chunks
from campaigns.ranks import formulas

BOTH = pytest.mark.parametrize("formula", list(ScoringType))
NO_REGISTRANTS = pl.DataFrame(schema=dict.fromkeys(("global_user_id", *formulas.FILLED), pl.String))


def plain_scores(given: list[int], formula: str) -> list[float]:
    """The rule as it is written, fan by fan."""
    if formula == ScoringType.LINEAR:
        return [1 - (rank - 1) / max(given) for rank in given]
    others = len(given) - 1
    return [sum(other > rank for other in given) / others if others else 1.0 for rank in given]


def population(given: list[int], fans: list[int] | None = None) -> formulas.Population:
    ids = range(len(given)) if fans is None else fans
    return formulas.population(np.array(ids, dtype=np.uint64), np.array(given, dtype=np.int64))


def translated(
    content: bytes, formula: str = ScoringType.LINEAR, registrants: pl.DataFrame | None = None
) -> list[list[str]]:
    """A whole file of ranks (header and records) as the cells of the score file."""
    first, _, rest = content.partition(b"\n")
    header = formulas.read_header(first)
    chunks = list(read_chunks(TabSeparated(io.BytesIO(rest)), header))
    fans = pl.concat([chunk.rows["global_user_id"] for chunk in chunks]).hash().to_numpy()
    given = (
        pl.concat([formulas.ranks_of(chunk.rows["rank"]) for chunk in chunks])
        .fill_null(0)
        .to_numpy()
    )
    among = formulas.population(fans, given)
    people = NO_REGISTRANTS if registrants is None else registrants
    lines = b"".join(
        formulas.score_lines(chunk, header, among, formula, people) for chunk in chunks
    )
    return [line.split("\t") for line in lines.decode().split("\n")[:-1]]


@BOTH
@given(
    given=st.lists(
        st.one_of(st.integers(1, 12), st.integers(1, 10**15 - 1)), min_size=1, max_size=40
    )
)
def test_scores_are_those_of_the_rule_read_plainly(formula, given):
    found = formulas.scores(pl.Series(given, dtype=pl.Int64), population(given), formula).to_list()
    assert found == plain_scores(given, formula)


@BOTH
@given(given=st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_a_better_rank_never_scores_less_ties_share_and_all_lie_from_0_to_1(formula, given):
    scores = formulas.scores(pl.Series(given, dtype=pl.Int64), population(given), formula).to_list()
    by_rank = sorted(zip(given, scores, strict=True))
    assert len(set(by_rank)) == len(set(given))
    assert [score for _, score in by_rank] == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@given(rows=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9)), min_size=1, max_size=30))
def test_a_fan_counts_once_by_their_first_row_and_only_if_its_rank_is_valid(rows):
    first = {}
    for fan, rank in rows:
        first.setdefault(fan, rank)
    among = population([rank for _, rank in rows], [fan for fan, _ in rows])
    assert among.ranks.tolist() == sorted(rank for rank in first.values() if rank)
    assert (among.fans, among.max_rank) == (len(among.ranks), max(first.values()))


def test_the_best_of_a_linear_list_scores_1_and_the_last_one_step_above_0():
    found = formulas.scores(
        pl.Series([1, 2, 3, 4], dtype=pl.Int64), population([1, 2, 3, 4]), ScoringType.LINEAR
    )
    assert found.to_list() == [1.0, 0.75, 0.5, 0.25]


def test_a_percentile_is_the_share_of_the_others_who_are_worse():
    given = pl.Series([1, 2, 2, 9, 5], dtype=pl.Int64)
    found = formulas.scores(given, population(given.to_list()), ScoringType.PERCENTILE)
    assert found.to_list() == [1.0, 0.5, 0.5, 0.0, 0.25]


@BOTH
def test_one_fan_alone_scores_1_wherever_they_stand(formula):
    found = formulas.scores(pl.Series([1], dtype=pl.Int64), population([1]), formula)
    assert found.to_list() == [1.0]


@BOTH
def test_a_row_that_does_not_count_among_the_fans_is_cut_to_0_and_1(formula):
    """A fan's second row: it is rejected as a duplicate, whatever its rank."""
    found = formulas.scores(pl.Series([1, 900], dtype=pl.Int64), population([5, 6, 7]), formula)
    assert found.to_list() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("1", 1),
        ("007", 7),
        ("999999999999999", 10**15 - 1),
        ("1000000000000000", None),
        ("0", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1e3", None),
        ("1,000", None),
        ("١", None),
        ("first", None),
        ("", None),
    ],
)
def test_a_rank_is_an_integer_from_1_of_at_most_fifteen_digits(text, rank):
    assert formulas.ranks_of(pl.Series("rank", [text])).to_list() == [rank]


def test_columns_are_known_by_several_names_in_any_order_and_case():
    header = formulas.read_header(
        b'\xef\xbb\xbfRank,"E-Mail", Email ,GlobalUserId,phone,memberId,country,note\r\n'
    )
    assert header.used == ("rank", "tmemail", "global_user_id", "sms", "member_id", "country_code")
    assert header.ignored == ("E-Mail", "note")


def test_what_a_file_without_phones_says_of_their_confirmation_is_ignored():
    header = formulas.read_header(b"global_user_id,rank,phone_confirmed\n")
    assert header.ignored == ("phone_confirmed",)
    assert "phone_confirmed" in formulas.columns_of(
        formulas.read_header(b"global_user_id,rank,sms,phone_confirmed\n")
    )


@pytest.mark.parametrize(
    ("first_line", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"global_user_id,score\n", "is missing the column rank"),
        (b"fan\n", "is missing the columns global_user_id and rank"),
        (b"global_user_id;rank\n", "no comma"),
        (b"global_user_id\trank\n", "no comma"),
        (b"global_user_id,rank,\xff\n", "UTF-8"),
        (b"global_user_id,rank,\x00\n", "control characters"),
        (b'global_user_id,rank,"note\n', "cannot be read as CSV"),
        (b"global_user_id,rank\rfan-1,1\rfan-2,2\r", "cannot be read as CSV"),
        (b"global_user_id,rank,email,tmemail\n", "twice.*tmemail"),
    ],
)
def test_a_first_line_that_names_no_ranks_is_refused_in_plain_words(first_line, says):
    with pytest.raises(UnreadableFile, match=says):
        formulas.read_header(first_line)


def test_each_record_stands_in_its_place_as_a_line_of_the_score_file():
    content = b'rank,global_user_id,email\n1,fan-1,a@mail.example\n2,"fan\n2",b\n\n3,fan-3\nx,fan-4,"c@mail.example"\n4,fan-5,\n'
    assert translated(content) == [
        ["1", "a@mail.example", "", "fan-1", "", "1.0", "", "1"],
        ['2,"fan'],
        ['2",b'],
        [""],
        ["3,fan-3"],
        ["6", "c@mail.example", "", "fan-4", "", "", "", "x"],
        ["7", "", "", "fan-5", "", "0.25", "", "4"],
    ]


def test_bytes_that_are_not_utf8_and_control_characters_spoil_their_record_alone():
    content = (
        b"global_user_id,rank,note\nfan-1,1,\xff\nfan-2,2,\x01\nfan-3,3,fine\nfan-4,4,\xc2\x85\n"
    )
    cells = translated(content)
    assert [len(row) for row in cells] == [1, 1, 8, 1]
    assert cells[0] == ["fan-1,1,\\xff"]
    assert cells[2][5] == repr(1 - 2 / 3)  # only fan-3 has a rank that counts


def test_contacts_that_the_file_lacks_are_the_registrants_and_those_it_has_are_its_own():
    people = pl.DataFrame(
        [("fan-1", "one@mail.example", "+12065550101", "member-1", "US")],
        schema=NO_REGISTRANTS.schema,
        orient="row",
    )
    cells = translated(
        b"global_user_id,rank,email\nfan-1,1,\nfan-2,2,two@mail.example\n", registrants=people
    )
    assert cells[0] == ["1", "", "+12065550101", "fan-1", "member-1", "1.0", "US", "1"]
    assert cells[1] == ["2", "two@mail.example", "", "fan-2", "", "0.5", "", "2"]


@BOTH
@given(given=st.lists(st.integers(1, 10**15 - 1), min_size=1, max_size=20))
def test_scores_are_written_so_that_they_read_back(formula, given):
    content = b"global_user_id,rank\n" + b"".join(b"fan-%d,%d\n" % row for row in enumerate(given))
    assert [float(row[5]) for row in translated(content, formula)] == plain_scores(given, formula)


def test_the_header_of_a_score_file_names_the_columns_in_one_order():
    header = Header(("rank", "global_user_id"), ("rank", "global_user_id"), ())
    assert formulas.columns_of(header)[-1] == "rank"
    assert formulas.to_be_filled(header) == ("tmemail", "sms", "member_id", "country_code")
