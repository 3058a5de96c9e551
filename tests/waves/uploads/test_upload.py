"""An uploaded list becomes a wave: one attempt, all or nothing. [W-3, W-9, X-14]"""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from datalake.storage import buckets
from operations.errors import LeaseLost
from operations.models import Job, StatusChange
from tests.support.waves import NOW, campaign_with, counted, members_of
from tests.waves.uploads.lists import row, uploaded
from waves.actions import cancel, reset
from waves.choices import CodeState, RowReason, WaveState
from waves.errors import NoMembers
from waves.lifecycle import subject_of
from waves.models import Code, Wave, WaveMarket, WaveUpload
from waves.preparation import config_files
from waves.second_count.verdict import Standing, standing
from waves.uploads import upload
from waves.uploads.upload import as_result

pytestmark = pytest.mark.django_db


def csv_at(key: str) -> list[dict[str, str]]:
    with buckets.scoring().open(key) as file:
        return list(csv.DictReader(io.TextIOWrapper(file, "utf-8", newline="")))


def test_w3_a_list_becomes_a_prepared_wave_whose_rows_without_a_code_have_one(ann):
    campaign = campaign_with(12)
    given = [row(0, code="VIP-0"), row(1), row(2, market="east")]
    wave = uploaded(campaign, given, by=ann)
    assert (wave.state, wave.kind, wave.attempts, wave.selected, wave.prepared_by) == (
        *("prepared", "uploaded", 1, 3),
        ann,
    )
    members = members_of(wave)
    assert members["fan-000000"] == "VIP-0"
    assert len(set(members.values())) == 3
    codes = Code.objects.filter(wave=wave)
    assert {(code.global_user_id, code.code) for code in codes} == set(members.items())
    assert set(codes.values_list("state", flat=True)) == {CodeState.RESERVED}
    seats = WaveMarket.objects.filter(wave=wave).values_list("market__market_id", "selected")
    assert dict(seats) == {"west": 2, "east": 1}
    assert as_result(wave)["codes"] == {"generated": 2, "failed": 0}


def test_w3_each_bad_row_has_its_own_outcome_and_the_rest_is_the_wave(ann):
    campaign = campaign_with(30, {"west": 3, "east": 5})
    other = campaign_with(5)
    Code.objects.create(campaign=other, code="THEIRS")
    Code.objects.create(campaign=campaign, code="SPARE")
    east = campaign.markets.get(market_id="east")
    Code.objects.create(campaign=campaign, code="EAST-ONLY", only_market=east)
    taken = uploaded(campaign, [row(20, code="HELD")], by=ann, key="20260121-9")
    rows = [
        row(0, code="spare"),
        row(0),
        row(1, code="SPARE"),
        row(2, market="north"),
        row(3, email="", phone=""),
        row(4, globalUserId="stranger"),
        row(20),
        row(5, code="theirs"),
        row(6, code="held"),
        row(7, code="x" * 65),
        row(8, phone="+442071838750", email="fan8@example.com"),
        row(9, code="EAST-ONLY"),
        row(10, globalUserId=""),
        b"one,two",
        row(11),
        row(12),
        row(13, email="=HYPERLINK(1)"),
    ]
    wave = uploaded(campaign, rows, by=ann)
    assert as_result(wave)["rejected"] == {
        **dict.fromkeys(("code_of_another_campaign", "code_of_another_market", "code_taken"), 1),
        **dict.fromkeys(("already_in_wave", "intl_phone", "invalid_code"), 1),
        **dict.fromkeys(("malformed_row", "missing_user_id", "no_contact"), 1),
        "unknown_fan": 1,
        "unknown_market": 1,
        "duplicate": 2,
        "no_room": 2,
    }
    about = WaveUpload.objects.get(wave=wave)
    assert (about.rows_in, about.accepted, about.rejected) == (17, 2, 15)
    assert members_of(wave)["fan-000000"] == "SPARE"
    assert wave.pk != taken.pk
    rejected = csv_at(f"smsWaves/csv/{wave.name}.rejected.csv")
    assert [(each["line"], each["reason"]) for each in rejected][:3] == [
        ("3", "duplicate"),
        ("4", "duplicate"),
        ("5", "unknown_market"),
    ]
    assert rejected[-1]["email"] == "=HYPERLINK(1)"


def test_w3_seats_of_other_waves_are_given_and_the_first_rows_take_what_is_left(ann):
    campaign = campaign_with(10, {"west": 3, "east": 1})
    uploaded(campaign, [row(9, market="east")], by=ann, key="20260122")
    wave = uploaded(campaign, [row(n) for n in range(4)] + [row(5, market="east")], by=ann)
    assert list(members_of(wave)) == ["fan-000000", "fan-000001", "fan-000002"]
    assert as_result(wave)["rejected"] == {RowReason.NO_ROOM: 2}
    seats = WaveMarket.objects.filter(wave=wave).values_list("market__market_id", "given", "room")
    assert list(seats) == [("west", 0, 3), ("east", 1, 0)]


def test_w3_foreign_columns_are_ignored_and_listed(ann):
    columns = ("shoeSize", "globalUserId", "marketId", "email", "=cmd")
    wave = uploaded(campaign_with(5), [row(0) | {"shoeSize": "46"}], by=ann, columns=columns)
    assert as_result(wave)["ignored_columns"] == ["shoeSize", "=cmd"]


def test_k3_tm_stays_tm_and_is_no_row_of_codes(ann):
    campaign = campaign_with(5)
    wave = uploaded(campaign, [row(0, code="tm"), row(1, code="TM")], by=ann)
    assert set(members_of(wave).values()) == {"TM"}
    assert not Code.objects.exists()
    assert "{code}" not in json.dumps(wave.content)


def test_k3_in_one_market_who_has_tm_and_who_has_a_code_get_a_text_each(ann):
    wave = uploaded(campaign_with(5), [row(0, code="TM"), row(1)], by=ann)
    texts = {each["with_code"]: each["body"] for each in wave.content["templates"]}
    assert "{code}" in texts[True]
    assert "{code}" not in texts[False]


def test_w3_without_generate_offer_code_no_code_is_made(ann):
    campaign = campaign_with(5)
    wave = uploaded(campaign, [row(0), row(1)], by=ann, generateOfferCode=False)
    assert set(members_of(wave).values()) == {""}
    states = StatusChange.objects.about(subject_of(wave)).values_list("to_state", flat=True)
    assert WaveState.CODE_GENERATED not in states
    assert not Code.objects.exists()


def test_w9_a_list_of_which_no_row_is_left_fails_the_wave_and_says_why(ann):
    campaign = campaign_with(5)
    with pytest.raises(NoMembers, match=r"1 × Unreadable row, 1 × Unknown market\."):
        uploaded(campaign, [row(0, market="north"), b"one,two"], by=ann)
    wave = Wave.objects.get()
    assert (wave.state, wave.attempts) == ("failed", 1)
    again = uploaded(campaign, [row(0)], by=ann)
    assert (again.pk, again.state, again.attempts) == (wave.pk, "prepared", 2)


def test_o6_a_config_that_an_attempt_wrote_after_it_was_taken_over_is_withdrawn(ann, monkeypatch):
    """[W-3] The next attempt has written its own files by then."""
    campaign, real = campaign_with(5), config_files.write_generating

    def late(wave):
        real(wave)
        Job.objects.update(attempt=99)
        Wave.objects.update(filed_as="")

    monkeypatch.setattr(config_files, "write_generating", late)
    with pytest.raises(LeaseLost):
        uploaded(campaign, [row(0)], by=ann)
    (left,) = buckets.scoring().list("smsWaves/configs/")
    assert left.startswith("smsWaves/configs/generateCode_")
    config_files.sweep()
    assert list(buckets.scoring().list("smsWaves/configs/")) == []


@pytest.mark.django_db(transaction=True)
def test_w9_what_the_database_quotes_of_rows_stands_in_no_error(ann, monkeypatch):
    campaign = campaign_with(3)

    def twice(*_):
        for _ in range(2):
            Code.objects.create(campaign=campaign, code="SECRET")

    monkeypatch.setattr("waves.preparation.prepared.write_members", twice)
    with pytest.raises(IntegrityError):
        uploaded(campaign, [row(0)], by=ann)
    wave = Wave.objects.get()
    reasons = StatusChange.objects.values_list("reason", flat=True)
    for text in (wave.error, wave.status_content, *reasons):
        assert "SECRET" not in text
    assert wave.error.startswith("duplicate key")


def test_w9_a_reset_wave_is_uploaded_again_with_the_same_codes_and_files(ann, root):
    campaign, rows = campaign_with(9), [row(n) for n in range(4)]
    first = uploaded(campaign, rows, by=ann)
    key = f"smsWaves/csv/{first.name}.csv"
    before = buckets.scoring().sha256(key), first.content_digest
    reset(first, by=root, reason="once more")
    assert not buckets.scoring().exists(key)
    second = uploaded(campaign, rows, by=ann, now=NOW + timedelta(minutes=5))
    assert (buckets.scoring().sha256(key), second.content_digest) == before
    assert as_result(second)["codes"] == {"generated": 0, "failed": 0}


def test_k5_a_corrected_list_frees_the_codes_that_it_does_not_give_any_more(ann, root):
    campaign = campaign_with(9)
    first = uploaded(campaign, [row(0, code="A"), row(1, code="B"), row(2, code="C")], by=ann)
    reset(first, by=root, reason="codes were mixed up")
    wave = uploaded(campaign, [row(0, code="b"), row(1, code="A"), row(2, code="D")], by=ann)
    assert members_of(wave) == {"fan-000000": "B", "fan-000001": "A", "fan-000002": "D"}
    free = Code.objects.get(code="C")
    assert (free.state, free.wave, free.global_user_id) == (CodeState.AVAILABLE, None, "")


def test_k5_a_cancelled_wave_gives_its_seats_and_codes_back(ann, root):
    campaign = campaign_with(9)
    wave = uploaded(campaign, [row(0, code="A"), row(1)], by=ann)
    cancel(wave, by=root, reason="not needed")
    assert set(Code.objects.values_list("state", flat=True)) == {CodeState.AVAILABLE}
    assert list(buckets.scoring().list("smsWaves/csv/")) == []
    other = uploaded(campaign, [row(0, code="a")], by=ann, key="20260122")
    assert members_of(other) == {"fan-000000": "A"}


def test_x14_the_second_count_agrees_with_an_uploaded_wave(ann):
    wave = uploaded(campaign_with(9), [row(n) for n in range(4)], by=ann)
    assert standing(counted(wave)) == Standing.AGREES


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM waves_member WHERE place = 2", "not the accepted rows"),
        ("UPDATE waves_member SET place = 5 - place", "not the accepted rows"),
        ("UPDATE waves_wavemarket SET given = 1", "given: the wave says 1"),
        ("UPDATE waves_wave SET selected = 9", "Selected: the wave says 9"),
    ],
    ids=["a member less", "another order", "other seats", "another count"],
)
def test_x14_the_second_count_differs_where_the_wave_is_not_its_list(ann, change, problem):
    wave = uploaded(campaign_with(9), [row(n) for n in range(4)], by=ann)
    with connection.cursor() as cursor:
        cursor.execute(change)
    wave = counted(wave)
    assert standing(wave) == Standing.DIFFERS
    assert problem in " ".join(wave.count_problems)


def test_x14_the_second_count_differs_where_more_rows_are_accepted_than_seats_are_left(
    ann, monkeypatch
):
    """The rows are those of the list, but there are too many of them."""
    campaign = campaign_with(9)
    monkeypatch.setattr(upload, "write_upload_facts", _with_capacity(2, upload.write_upload_facts))
    wave = uploaded(campaign, [row(n) for n in range(4)], by=ann)
    assert "Market west: 4 fans, but room for 2." in counted(wave).count_problems


def _with_capacity(seats, write):
    def written(wave, *values):
        wave.campaign.markets.update(capacity=seats)
        return write(wave, *values)

    return written
