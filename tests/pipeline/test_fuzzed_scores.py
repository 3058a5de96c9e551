"""Whatever the bytes of a score file are: every line has one outcome, and it is that of the rules
read line by line. [S-3]
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campaigns.choices import ListKind, ScoreFileState
from campaigns.contacts import emails
from campaigns.models import Campaign, FanScore, ListEntry, RejectedRow, ScoreFile
from datalake import streams
from datalake.models import StreamBatch
from datalake.streams.batches import unpack_records
from tests.campaigns.contacts.email_samples import BLACKLIST, DISPOSABLE, WHITELIST
from tests.campaigns.scoring.plain_scores import (
    LONGEST_LINE,
    Lists,
    Outcome,
    PlainJudge,
    as_kept,
    judge_file,
    plain_band,
    plain_roster,
)
from tests.pipeline import fuzzed_scores
from tests.support.campaigns import SALT, make_campaign, process_scores, score_file_bytes, score_row
from tests.support.score_files import read

FULL = os.environ.get("FAIRWAVE_FULL") == "1"
SEEDS = range(100, 110) if FULL else range(100, 103)
ROWS = 100_000 if FULL else 3_000
SMALL_FILES = 300 if FULL else 20
LISTS = Lists(BLACKLIST, WHITELIST, emails.packaged_disposable_domains() | set(DISPOSABLE))
OPTIONS = [
    {"home_countries": ["US", "CA"], "max_fans_per_contact": 2},
    {"home_countries": ["GB", "GG", "JE", "IM"], "require_confirmed_phone": True},
    {"home_countries": ["DE"], "allow_intl_phones": True, "min_score": 0.5},
]
pytestmark = pytest.mark.django_db(transaction=True)


def campaign_with_lists(**options: object) -> Campaign:
    campaign = make_campaign(**options)
    kinds = {
        ListKind.BLACKLIST: BLACKLIST,
        ListKind.WHITELIST: WHITELIST,
        ListKind.DISPOSABLE: DISPOSABLE,
    }
    ListEntry.objects.bulk_create(
        ListEntry(campaign=campaign, kind=kind, pattern=pattern)
        for kind, patterns in kinds.items()
        for pattern in patterns
    )
    return campaign


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fuzzed_line_has_the_one_outcome_that_a_reading_line_by_line_gives_it(seed):
    """[S-3, S-4, S-5, S-6, S-7] Three files of 3,000 lines; ten of 100,000 in the full run."""
    content = fuzzed_scores.score_file(seed, ROWS)
    campaign = campaign_with_lists(**OPTIONS[seed % len(OPTIONS)])
    score_file = process_scores(campaign, gzip.compress(content, mtime=0) if seed % 2 else content)
    check(score_file, content, campaign, hint=f"seed {seed}")
    assert len(score_file.rejected_by) >= 8, seed


def check(score_file: ScoreFile, content: bytes, campaign: Campaign, *, hint: str) -> None:
    """Database, counts, files and stream against the plain reading."""
    expected = list(judge_file(content, PlainJudge(campaign, LISTS)))
    rejected = {line: outcome.reason for line, outcome, _ in expected if outcome.reason}
    accepted = [(line, outcome, row) for line, outcome, row in expected if not outcome.reason]
    assert score_file.state in (ScoreFileState.STREAMED, ScoreFileState.SAVED), hint
    assert (score_file.rows_in, score_file.accepted) == (len(expected), len(accepted)), hint
    assert score_file.rejected_by == Counter(rejected.values()), hint
    assert score_file.tagged_by == Counter(
        tag for _, outcome, _ in accepted for tag in outcome.tags
    ), hint
    assert +Counter(score_file.bands) == Counter(
        plain_band(outcome.score) for _, outcome, _ in accepted
    ), hint
    fans = [(str(row["global_user_id"]), str(row["raw_local_fanscore"])) for _, _, row in accepted]
    assert score_file.roster_digest == plain_roster(fans, SALT), hint
    check_rows(score_file, accepted, hint=hint)
    check_rejected(score_file, rejected, content, hint=hint)
    check_outputs(score_file, rejected, [fan for fan, _ in fans], hint=hint)


def check_rows(
    score_file: ScoreFile, accepted: list[tuple[int, Outcome, dict[str, object]]], *, hint: str
) -> None:
    columns = (
        "line",
        "global_user_id",
        "row_id",
        "member_id",
        "country",
        "raw_text",
        "email",
        "phone",
        "phone_region",
    )
    columns += ("phone_confirmed", "raw_score", "tags")
    stored = FanScore.objects.filter(score_file=score_file).order_by("line").values_list(*columns)
    names = ("global_user_id", "id", "member_id", "country_code", "raw_local_fanscore")
    for found, (line, outcome, row) in zip(stored.iterator(), accepted, strict=True):
        fields = [str(row[name]) for name in names]
        # polars knows newer letters than Python
        fields[3] = fields[3].upper() if fields[3].isascii() else found[4]
        judged = (
            outcome.email,
            outcome.phone,
            outcome.region,
            outcome.confirmed,
            outcome.score,
            "|".join(outcome.tags),
        )
        assert found == (line, *fields, *judged), hint


def check_rejected(
    score_file: ScoreFile, rejected: dict[int, str], content: bytes, *, hint: str
) -> None:
    lines = content.split(b"\n")
    stored = (
        RejectedRow.objects.filter(score_file=score_file)
        .order_by("line")
        .values_list("line", "reason", "raw")
    )
    for (line, reason, raw), expected in zip(stored.iterator(), rejected.items(), strict=True):
        assert (line, reason) == expected, hint
        whole = lines[line - 1]
        if len(whole) <= LONGEST_LINE:
            assert raw == as_kept(whole), (hint, line)
        else:  # cut, perhaps within a character
            assert raw[:400] == as_kept(whole[:4_000])[:400], (hint, line)


def check_outputs(
    score_file: ScoreFile, rejected: dict[int, str], fans: list[str], *, hint: str
) -> None:
    before = csv.field_size_limit(4 * LONGEST_LINE)
    told = list(csv.reader(io.StringIO(read(score_file.rejected_key).decode(), newline="")))
    csv.field_size_limit(before)
    assert [(int(row[-2]), row[-1]) for row in told[1:]] == list(rejected.items()), hint
    scrubbed = csv.DictReader(io.StringIO(read(score_file.scrubbed_key).decode(), newline=""))
    assert [row["globalUserId"] for row in scrubbed] == fans, hint
    batches = StreamBatch.objects.filter(
        batch_key__startswith=f"scorefile:{score_file.pk}:"
    ).order_by("position")
    positions = list(batches.values_list("position", flat=True))
    payloads = (
        batch.payload
        for position in positions
        for batch in streams.read(score_file.stream, position, position)
    )
    assert [
        record["globalUserId"] for payload in payloads for record in unpack_records(payload)
    ] == fans, hint


anything = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=20).map(lambda text: text.encode(errors="surrogatepass")),
)
field = st.one_of(
    st.sampled_from(["", " ", "0.5", "fan", "+12065550100", "a@b.example", '"', "\\N", "\\."]),
    st.text(max_size=6),
)
row = st.lists(field, min_size=7, max_size=9).map(
    lambda fields: "\t".join(fields).encode(errors="surrogatepass")
)
good = st.builds(
    lambda number, score: "\t".join(score_row(number, raw_local_fanscore=score).values()).encode(),
    st.integers(0, 5),
    st.sampled_from(["0.5", "0.9", "1", "x", "0.1"]),
)
ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\r", b"\n\r\n"])


@settings(
    max_examples=SMALL_FILES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(lines=[(b"\r", b"\n"), (b"", b"\r\n"), (b"\x00", b"\r")], options=OPTIONS[0])
@example(lines=[(b'"', b"\n"), (b"\t" * 6, b"\n"), (b"\xef\xbb\xbf", b"\n")], options=OPTIONS[0])
@given(
    st.lists(st.tuples(st.one_of(anything, row, good), ends), min_size=1, max_size=12),
    st.sampled_from(OPTIONS),
)
def test_small_files_of_anything_are_judged_as_the_rules_read_line_by_line(lines, options):
    """[S-1, S-3]"""
    content = score_file_bytes() + b"".join(line + end for line, end in lines)
    campaign = campaign_with_lists(**options)
    check(process_scores(campaign, content), content, campaign, hint=repr(content))
