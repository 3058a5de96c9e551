"""The codes of an uploaded wave. [W-3, K-1, K-5]"""

from __future__ import annotations

import polars as pl
import pytest

from tests.support.waves import NOW, campaign_with, members_of
from tests.waves.codes.code_service import faults, running
from tests.waves.uploads.lists import row, submitted, uploaded
from waves.actions import cancel, reset
from waves.choices import RowReason
from waves.codes import partner_codes, pool
from waves.errors import CodeServiceAway
from waves.models import Code, Wave
from waves.uploads import codes
from waves.uploads.submission import submit
from waves.uploads.upload import as_result, run

pytestmark = pytest.mark.django_db


def test_k1_a_code_that_becomes_anothers_meanwhile_leaves_its_row_out(ann, monkeypatch):
    """The constraint judges, not what was asked before."""
    campaign, elsewhere = campaign_with(6), campaign_with(6)
    real = codes.give_codes

    def after_another(*values, **named):
        Code.objects.create(campaign=elsewhere, code="SAME")
        return real(*values, **named)

    monkeypatch.setattr(codes, "give_codes", after_another)
    wave = uploaded(campaign, [row(0, code="same"), row(1, code="B")], by=ann)
    assert members_of(wave) == {"fan-000001": "B"}
    assert as_result(wave)["rejected"] == {RowReason.CODE_TAKEN: 1}


def test_w3_a_code_that_nobody_has_becomes_one_of_the_campaign(ann):
    campaign = campaign_with(6)
    wave = uploaded(campaign, [row(0, code="Brand-New")], by=ann)
    code = Code.objects.get()
    assert (code.code, code.source, code.campaign, code.wave) == (
        *("Brand-New", "partner"),
        campaign,
        wave,
    )
    assert code.market.market_id == "west"
    assert code.begins_at < wave.notify_date < code.ends_at


@pytest.fixture(scope="module")
def box():
    with running() as box:
        yield box


@pytest.fixture
def service(box, settings):
    """The code service that is set, whose calls are made anew."""
    settings.CODE_SERVICE_URL = box.url
    settings.CODE_SERVICE_CONCURRENCY = 4
    settings.CODE_SERVICE_SECONDS = 5
    return box


def test_k4_each_row_without_a_code_gets_one_of_the_code_service(ann, root, service):
    campaign = campaign_with(9, code_source="partner")
    wave = uploaded(campaign, [row(0, code="VIP"), row(1), row(2), row(3)], by=ann)
    members = members_of(wave)
    assert members["fan-000000"] == "VIP"
    assert len(set(members.values())) == 4
    made = Code.objects.filter(origin="code service")
    assert set(made.values_list("global_user_id", "code")) == set(members.items()) - {
        ("fan-000000", "VIP")
    }
    assert as_result(wave)["codes"] == {"generated": 3, "failed": 0}
    calls = service.received()["codes"]["calls"]
    reset(wave, by=root, reason="once more")
    again = uploaded(campaign, [row(1), row(2)], by=ann)
    assert members_of(again).items() <= members.items()
    assert service.received()["codes"]["calls"] == calls


def test_w3_a_row_whose_code_fails_leaves_the_wave_and_is_counted(ann, service):
    campaign = campaign_with(9, code_source="partner")
    with faults(service, code_faults={"generate": "400:1"}):
        wave = uploaded(campaign, [row(n) for n in range(4)], by=ann)
    assert as_result(wave)["rejected"] == {RowReason.CODE_FAILED: 1}
    assert as_result(wave)["codes"] == {"generated": 3, "failed": 1}
    assert wave.selected == len(members_of(wave)) == 3


def test_k4_what_the_partner_does_not_give_the_next_source_gives(ann, service):
    campaign = campaign_with(9, code_source="partner|own")
    with faults(service, code_faults={"generate": "404:1"}):
        wave = uploaded(campaign, [row(n) for n in range(4)], by=ann)
    assert as_result(wave)["codes"] == {"generated": 4, "failed": 0}
    sources = Code.objects.filter(wave=wave).values_list("source", flat=True)
    assert sorted(sources) == ["own", "partner", "partner", "partner"]


@pytest.mark.parametrize("fault", ["nonsense:1", "duplicate:2", "control:1"])
def test_k1_an_answer_that_cannot_be_right_is_the_rows_own_matter(ann, service, fault):
    campaign = campaign_with(9, code_source="partner")
    with faults(service, code_faults={"generate": fault}):
        wave = uploaded(campaign, [row(1), row(2)], by=ann)
    assert as_result(wave)["rejected"] == {RowReason.CODE_FAILED: 1}
    assert Code.objects.count() == 1


def test_w9_a_service_that_is_away_fails_the_attempt_and_the_next_one_has_the_same_codes(
    ann, service
):
    campaign = campaign_with(40, {"west": 40}, code_source="partner")
    rows = [row(n) for n in range(40)]
    first = submit(submitted(campaign, rows[:39]), by=ann, now=NOW)
    away = faults(service, code_faults={"generate": "503"}, retry_after_seconds=0.01)
    with away, pytest.raises(CodeServiceAway):
        run(first.pk, now=NOW)
    first.refresh_from_db()
    assert first.retry_at is not None
    wave = uploaded(campaign, rows, by=ann)
    assert (wave.attempts, wave.selected) == (2, 40)


@pytest.fixture
def dies_before_it_keeps_what_came(ann, service, monkeypatch):
    """Take in a list; the attempt dies when the service has answered and nothing is kept."""

    def run_and_die(campaign, rows):
        def dies(*_):
            raise MemoryError

        job = submit(submitted(campaign, rows), by=ann, now=NOW)
        with monkeypatch.context() as patch:
            patch.setattr(codes, "_keep_made", dies)
            with pytest.raises(MemoryError):
                run(job.pk, now=NOW)

    return run_and_die


def test_k4_codes_whose_answer_was_not_kept_go_back_when_the_wave_is_cancelled(
    ann, service, dies_before_it_keeps_what_came
):
    reserved = service.received()["codes"]["reserved"]
    dies_before_it_keeps_what_came(campaign_with(9, code_source="partner"), [row(0), row(1)])
    partner_codes.give_back_codes()  # the next attempt uses them
    assert service.received()["codes"]["reserved"] == reserved + 2
    cancel(Wave.objects.get(), by=ann, reason="no show")
    assert partner_codes.give_back_codes() == 2
    assert service.received()["codes"]["reserved"] == reserved


def test_k4_a_code_that_came_for_who_is_not_in_the_next_list_goes_back(
    ann, service, dies_before_it_keeps_what_came
):
    reserved = service.received()["codes"]["reserved"]
    campaign = campaign_with(9, code_source="partner")
    dies_before_it_keeps_what_came(campaign, [row(0), row(1)])
    wave = uploaded(campaign, [row(1), row(2)], by=ann)
    partner_codes.give_back_codes()
    assert members_of(wave).keys() == {"fan-000001", "fan-000002"}
    assert service.received()["codes"]["reserved"] == reserved + 2


def test_k5_a_code_of_who_is_not_in_the_list_any_more_is_free(ann):
    """An attempt that died had reserved it; the list that came then has the fan no more."""
    campaign = campaign_with(9)
    job = submit(submitted(campaign, [row(0), row(1)]), by=ann, now=NOW)
    wave = Wave.objects.get()
    pool.reserve(wave, wanting(campaign, "fan-000005"), now=NOW)
    run(job.pk, now=NOW)
    free = Code.objects.exclude(global_user_id__in=["fan-000000", "fan-000001"]).get()
    assert (free.state, free.wave, free.global_user_id) == ("available", None, "")


def wanting(campaign, *fans):
    west = campaign.markets.get(market_id="west").pk
    return pl.DataFrame(
        [(fan, west, "own", None) for fan in fans],
        schema={
            "global_user_id": pl.String,
            "market": pl.Int64,
            "code_source": pl.String,
            "held_code": pl.String,
        },
        orient="row",
    )


def listed(campaign, *codes):
    Code.objects.bulk_create(
        Code(campaign=campaign, code=code, source="partner", origin="list") for code in codes
    )


def test_w3_where_imported_codes_run_out_the_rows_left_over_leave_the_wave(ann):
    campaign = campaign_with(9, code_source="partner")
    listed(campaign, "P1")
    wave = uploaded(campaign, [row(n) for n in range(3)], by=ann)
    assert as_result(wave)["rejected"] == {RowReason.CODE_FAILED: 2}
    assert members_of(wave) == {"fan-000000": "P1"}


def test_k4_where_imported_codes_run_out_the_next_source_gives_the_rest(ann, root):
    campaign = campaign_with(9, code_source="partner|own")
    listed(campaign, "P1")
    wave = uploaded(campaign, [row(n) for n in range(3)], by=ann)
    members = members_of(wave)
    assert members["fan-000000"] == "P1"
    assert as_result(wave)["codes"] == {"generated": 2, "failed": 0}
    reset(wave, by=root, reason="once more")
    assert members_of(uploaded(campaign, [row(n) for n in range(3)], by=ann)) == members


def test_k4_imported_codes_come_before_those_of_the_service(ann, service):
    campaign = campaign_with(9, code_source="partner")
    listed(campaign, "P1", "P2")
    rows = [row(0), row(1, market="east"), row(2)]
    wave = uploaded(campaign, rows, by=ann)
    assert sorted(members_of(wave).values())[:2] == ["P1", "P2"]
    assert as_result(wave)["codes"] == {"generated": 1, "failed": 0}


def test_k4_a_fan_whose_market_changed_gets_a_code_of_the_new_one(ann, root, service):
    """The service reserves a code for a market; the old one goes back to it."""
    campaign = campaign_with(9, code_source="partner")
    wave = uploaded(campaign, [row(0), row(1)], by=ann)
    before = members_of(wave)
    reset(wave, by=root, reason="the market was wrong")
    wave = uploaded(campaign, [row(0, market="east"), row(1)], by=ann)
    now = members_of(wave)
    assert now["fan-000001"] == before["fan-000001"]
    assert now["fan-000000"] != before["fan-000000"]
    assert Code.objects.get(code=before["fan-000000"]).state == "released"
    assert Code.objects.get(code=now["fan-000000"]).market.market_id == "east"


def test_k4_a_fan_whose_code_went_back_gets_one_that_the_service_reserves_anew(ann, root, service):
    """Not the first answer again: that code may be somebody else's by now."""
    campaign = campaign_with(9, code_source="partner")
    for rows in ([row(0), row(1)], [row(1)]):
        wave = uploaded(campaign, rows, by=ann)
        reset(wave, by=root, reason="another list")
    assert partner_codes.give_back_codes() == 1
    wave = uploaded(campaign, [row(0), row(1)], by=ann)
    code = Code.objects.get(wave=wave, global_user_id="fan-000000")
    assert partner_codes.state_at_service(code) == "reserved"
