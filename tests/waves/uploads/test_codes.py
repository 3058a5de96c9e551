"""The codes of an uploaded wave. [W-3, K-1, K-5]"""

from __future__ import annotations

import pytest

from tests.support.waves import NOW, campaign_with, members_of
from tests.waves.codes.code_service import faults, running
from tests.waves.uploads.lists import row, submitted, uploaded
from waves.actions import reset
from waves.choices import RowReason
from waves.errors import CodeServiceAway
from waves.models import Code
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
    first = submit(submitted(campaign, rows), by=ann, now=NOW)
    with faults(service, code_faults={"generate": "503"}), pytest.raises(CodeServiceAway):
        run(first.pk, now=NOW)
    first.refresh_from_db()
    assert first.retry_at is not None
    wave = uploaded(campaign, rows, by=ann)
    assert (wave.attempts, wave.selected) == (2, 40)
