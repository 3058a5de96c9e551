"""A partner's codes over real connections. [K-4]"""

from __future__ import annotations

import pytest

from tests.waves.codes.code_service import faults, running, service_of
from waves.codes import partner_http
from waves.codes.partner_answers import AssignedThere
from waves.codes.partner_service import MOST_AT_ONCE, CodeService, chosen, required
from waves.errors import BadServiceAnswer, CodeServiceAway, CodeServiceError


@pytest.fixture(scope="module")
def box():
    with running() as box:
        yield box


@pytest.fixture
def service(box):
    return service_of(box)


def reserve(service, wave, quantity, *, number=1):
    return service.reserve(wave=wave, market_id="m", number=number, quantity=quantity)


def test_k4_a_repeated_reservation_gets_the_same_codes(service):
    first = reserve(service, "w1", 5)
    assert len(set(first)) == 5
    assert reserve(service, "w1", 5) == first
    assert not set(reserve(service, "w1", 5, number=2)) & set(first)
    assert not set(reserve(service, "w2", 5)) & set(first)


def test_k4_as_many_codes_are_asked_for_at_once_as_the_service_gives(service):
    assert len(reserve(service, "w0", MOST_AT_ONCE)) == 2_500
    with pytest.raises(CodeServiceError):
        reserve(service, "w0", MOST_AT_ONCE + 1, number=2)


def test_k4_codes_are_assigned_to_their_fans_and_counted(service):
    codes = reserve(service, "w3", 3)
    pairs = [(code, f"fan-{number}") for number, code in enumerate(codes)]
    assert service.assign(wave="w3", number=1, pairs=pairs) == AssignedThere(3, 3, 3)
    assert service.assign(wave="w3", number=1, pairs=pairs) == AssignedThere(3, 3, 3)  # a repeat
    assert service.assign(wave="w3", number=2, pairs=pairs) == AssignedThere(3, 3, 0)
    assert service.assign(wave="w3", number=3, pairs=[(codes[0], "other")]).valid == 0


def test_k4_released_codes_are_available_again(service):
    one, two = reserve(service, "w4", 2)
    assert service.release(codes=[one], purpose="w4") == 1
    assert service.states(codes=[one, two], asked_at="now") == {one: "available", two: "reserved"}


def test_k4_what_the_service_refuses_is_one_error_that_names_call_wave_and_market(service):
    with pytest.raises(
        CodeServiceError,
        match="Wave w5, market m: the code service could not reserve 0 codes: HTTP 4",
    ) as refused:
        reserve(service, "w5", 0)
    assert not refused.value.is_transient


@pytest.mark.parametrize("fault", ["nonsense", "huge", "control"])
def test_k4_nonsense_is_one_error_that_names_call_wave_and_market(box, service, fault):
    wave = f"w6 {fault}"
    with (
        faults(box, code_faults={"reserve": fault}),
        pytest.raises(
            BadServiceAnswer,
            match=f"Wave {wave}, market m: the code service could not reserve 2 co",
        ) as refused,
    ):
        reserve(service, wave, 2)
    assert not refused.value.is_transient
    assert ("longer than 1,000,000 bytes" in str(refused.value)) == (fault == "huge")


def test_k4_a_cut_connection_and_a_503_are_repeated_and_get_the_first_answer(
    box, service, monkeypatch
):
    monkeypatch.setattr(partner_http, "FIRST_PAUSE_SECONDS", 0.05)
    for number, fault in enumerate(("drop:1", "503:1")):
        with faults(box, code_faults={"reserve": fault}, retry_after_seconds=0.05):
            calls = box.received()["codes"]
            assert len(reserve(service, f"w7 {number}", 4)) == 4
            after = box.received()["codes"]
        assert after["calls"] == calls["calls"] + 2
        assert after["reserved"] == calls["reserved"] + 4


def test_k4_a_service_that_asks_for_more_patience_than_there_is_time_is_away(box):
    with (
        faults(box, code_faults={"reserve": "503"}, retry_after_seconds=30.0),
        pytest.raises(CodeServiceAway, match="HTTP 503"),
    ):
        reserve(service_of(box, seconds=1.0), "w8", 1)


def test_k4_a_service_that_answers_too_late_is_away_and_its_codes_are_found_again(box):
    hasty = service_of(box, seconds=0.4)
    with (
        faults(box, code_faults={"reserve": "slow"}, code_slow_seconds=1.0),
        pytest.raises(CodeServiceAway, match="did not answer in time") as away,
    ):
        reserve(hasty, "w9", 3)
    assert away.value.is_transient
    before = box.received()["codes"]["reserved"]
    assert len(reserve(hasty, "w9", 3)) == 3
    assert box.received()["codes"]["reserved"] == before


def test_k4_a_service_that_is_not_there_is_away():
    with pytest.raises(CodeServiceAway, match=r"no connection\. Check CODE_SERVICE_URL"):
        reserve(CodeService("http://127.0.0.1:9", seconds=0.2), "w", 1)


def test_k4_a_wrong_token_is_refused(box, service):
    with faults(box, code_token="secret"):
        assert reserve(service_of(box, token="secret"), "w10", 1)
        with pytest.raises(CodeServiceError, match="HTTP 401"):
            reserve(service, "w10", 1)


def test_k4_without_an_address_there_is_no_service(settings):
    assert chosen() is None
    with pytest.raises(CodeServiceError, match="CODE_SERVICE_URL is not set"):
        required()
    settings.CODE_SERVICE_URL, settings.CODE_SERVICE_TOKEN = "http://codes.example/", "t"
    assert chosen() == CodeService("http://codes.example", "t", 60.0, 50)
