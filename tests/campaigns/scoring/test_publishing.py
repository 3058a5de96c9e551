"""What goes out: the scrubbed file, the rejected rows, the records on the stream. [S-11]"""

from __future__ import annotations

import hashlib

import pytest

from campaigns.choices import ScoreFileState
from campaigns.draw import Draw
from campaigns.errors import RowsMissing
from campaigns.models import FanScore, ScoreFile
from campaigns.scoring import publishing
from datalake.choices import StreamName
from datalake.models import StreamBatch
from datalake.storage import buckets
from operations.database import copying
from tests.campaigns.scoring.published_files import read_csv, records_of
from tests.support.campaigns import (
    COLUMNS,
    SALT,
    SEED,
    import_registrations,
    make_campaign,
    process_scores,
    registration_row,
    roster_digest,
    score_file_bytes,
    score_row,
)
from tests.support.score_files import read

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_scrubbed_file_has_the_accepted_rows_in_their_order():
    campaign = make_campaign("12345", home_countries=["US", "GB"])
    import_registrations(
        campaign, [registration_row(2, phone="+12065550102", market_preferences="east|west")]
    )
    rows = [
        score_row(
            3, tmemail=' "O\'Neil"@x ', member_id='say "hi", you', raw_local_fanscore=" +.50 "
        ),
        score_row(2, tmemail="Fan@MÜLLER.example", sms="(206) 555-0102"),
        score_row(1, sms=""),
    ]
    score_file = process_scores(campaign, score_file_bytes(rows))
    found = read_csv(score_file.scrubbed_key)
    assert list(found[0]) == [
        "id",
        "email",
        "phone",
        "globalUserId",
        "memberId",
        "score",
        "band_score",
        "tags",
        "marketId",
    ]
    assert [
        (r["id"], r["email"], r["phone"], r["memberId"], r["score"], r["tags"], r["marketId"])
        for r in found
    ] == [
        ("3", "", "+12065550003", 'say "hi", you', "+.50", "invalid_email|unconfirmed_phone", ""),
        ("2", "fan@xn--mller-kva.example", "+12065550102", "member-2", "0.5", "", "east"),
        ("1", "fan1@mail.example", "", "member-1", "0.5", "missing_phone", ""),
    ]
    drawn = dict(
        FanScore.objects.filter(score_file=score_file).values_list("global_user_id", "band_score")
    )
    assert {r["globalUserId"]: float(r["band_score"]) for r in found} == drawn


def test_rejected_rows_come_back_as_they_were_with_line_and_reason():
    rows = [
        score_row(1),
        score_row(1),
        b"",
        b"1\ttwo, columns",
        score_row(2, tmemail="a\x00b"),
        "\t".join(score_row(3).values()).encode().replace(b"@", b"\xff@"),
        score_row(4, member_id='q"uo,te', raw_local_fanscore="high"),
        score_row(5, member_id="a\rb"),
        b"\t".join([b"x"] * 9),
    ]
    score_file = process_scores(make_campaign(), score_file_bytes(rows))
    found = read_csv(score_file.rejected_key)
    assert list(found[0]) == [*COLUMNS, "line", "reason"]
    assert [(int(r["line"]), r["reason"]) for r in found] == [
        (3, "duplicate"),
        *((line, "malformed_row") for line in (4, 5, 6, 7)),
        (8, "invalid_score"),
        *((line, "malformed_row") for line in (9, 10)),
    ]
    by_line = {int(r["line"]): r for r in found}
    assert by_line[3]["tmemail"] == "fan1@mail.example"
    assert by_line[4]["id"] == ""
    assert (by_line[5]["id"], by_line[5]["tmemail"], by_line[5]["sms"]) == ("1", "two, columns", "")
    assert by_line[6]["tmemail"] == "a\\x00b"
    assert by_line[7]["tmemail"] == "fan3\\xff@mail.example"
    assert by_line[8]["member_id"] == 'q"uo,te'
    assert by_line[9]["member_id"] == "a\rb"
    assert by_line[10]["country_code"] == "x\tx\tx"


def test_accepted_rows_are_scoring_records_in_batches_of_2500():
    campaign = make_campaign("12345")
    import_registrations(campaign, [registration_row(7, market_preferences="west")])
    score_file = process_scores(
        campaign,
        score_file_bytes(
            score_row(n, sms="" if n == 7 else f"(206) 555-{n % 10_000:04d}") for n in range(6_001)
        ),
    )
    sizes = (
        StreamBatch.objects.filter(stream=StreamName.SCORED)
        .order_by("position")
        .values_list("records", flat=True)
    )
    assert list(sizes) == [2_500, 2_500, 1_001]
    records = records_of(score_file)
    assert [record["globalUserId"] for record in records] == [f"fan-{n}" for n in range(6_001)]
    record = records[7]
    drawn = FanScore.objects.get(score_file=score_file, global_user_id="fan-7")
    assert record | {"dedupeHash": "", "date": ""} == {
        "type": "scoring",
        "date": "",
        "campaignId": "12345",
        "globalUserId": "fan-7",
        "memberId": "member-7",
        "marketId": "west",
        "email": "fan7@mail.example",
        "phone": None,
        "tags": ["missing_phone"],
        "score": 0.5,
        "band_score": drawn.band_score,
        "dedupeHash": "",
    }
    assert len({record["dedupeHash"] for record in records}) == 6_001
    assert (
        score_file.stream_position
        == StreamBatch.objects.filter(stream=StreamName.SCORED)
        .order_by("-position")
        .first()
        .position
    )


def test_numbers_survive_the_database_and_the_files_to_the_last_bit():
    """What is published is what the draw computes, in IEEE doubles. [S-8]"""
    campaign = make_campaign()
    written = [
        "0.22",
        "0.30000000000000004",
        "0.7999999999999999",
        "0.8",
        "0.9499999999999999",
        "0.95",
        "1",
        "1e-0",
        "0.123456789012345678",
    ]
    rows = [
        score_row(n, raw_local_fanscore=text)
        for n, text in enumerate([*written, *(f"0.{n:03d}" for n in range(220, 999))])
    ]
    score_file = process_scores(campaign, score_file_bytes(rows))
    draw = Draw(campaign.campaign_id, SEED, SALT)
    from_records = {
        record["globalUserId"]: (record["score"], record["band_score"])
        for record in records_of(score_file)
    }
    from_csv = {
        r["globalUserId"]: (float(r["score"]), float(r["band_score"]))
        for r in read_csv(score_file.scrubbed_key)
    }
    from_rows = {
        row.global_user_id: (row.raw_score, row.band_score)
        for row in FanScore.objects.filter(score_file=score_file)
    }
    assert from_records == from_csv == from_rows
    for fan, (raw, band_score) in from_rows.items():
        low, high = next(
            band for band in ((0.95, 1.0), (0.80, 0.95), (0.22, 0.80)) if raw >= band[0]
        )
        u = (int.from_bytes(draw.full_h(fan)[:8], "big") >> 11) / 2**53
        assert band_score == low + u * (high - low)


def test_the_roster_is_kept_as_a_file_of_all_accepted_rows_however_many_frames(monkeypatch):
    """Its SHA-256 is the digest. [S-10]"""
    monkeypatch.setattr(copying, "READ_BYTES", 300)
    campaign = make_campaign()
    wishes = {3: "west", 7: "east|west", 9: ""}
    import_registrations(
        campaign,
        [registration_row(n, market_preferences=wanted) for n, wanted in wishes.items()],
    )
    rows = [score_row(n, raw_local_fanscore=f"0.{n + 300}") for n in range(100)]
    score_file = process_scores(campaign, score_file_bytes(rows))
    refs = [Draw(campaign.campaign_id, SEED, SALT).fan_ref(row["global_user_id"]) for row in rows]
    raws = [row["raw_local_fanscore"] for row in rows]
    wanted = [wishes.get(n) for n in range(100)]
    assert score_file.roster_digest == roster_digest(zip(refs, raws, wanted, strict=True))
    assert hashlib.sha256(read(score_file.roster_key)).hexdigest() == score_file.roster_digest


@pytest.mark.parametrize(("which", "kind"), [("accepted", "rows"), ("rejected", "rejected")])
def test_a_file_that_lacks_rows_is_not_written(which, kind, monkeypatch):
    """[S-3, O-6] Nothing is published where rows are missing, and the file says so."""
    real = publishing.judged_rows

    def with_rows_missing(score_file, lease):
        cache = real(score_file, lease)
        if score_file.roster_digest:
            next(iter(cache._in_order(kind))).unlink()
        return cache

    monkeypatch.setattr(publishing, "judged_rows", with_rows_missing)
    with pytest.raises(RowsMissing, match=f"2 {which} rows, but 0 were found"):
        process_scores(make_campaign(), score_file_bytes([score_row(n % 2) for n in range(4)]))
    score_file = ScoreFile.objects.get()
    assert score_file.state == ScoreFileState.FAILED
    key = score_file.scrubbed_key if which == "accepted" else score_file.rejected_key
    assert not buckets.scoring().exists(key)
