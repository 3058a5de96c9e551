"""A partner's codes over real connections. [K-4]"""

from __future__ import annotations

import pytest

import sandbox
from waves.codes.partner_service import CodeService, CodeServiceError


@pytest.fixture(scope="module")
def box():
    with sandbox.running() as running:
        yield running


@pytest.fixture
def service(box):
    return CodeService(box.url, timeout_seconds=5)


def test_k4_a_repeated_reservation_gets_the_same_codes(service):
    first = service.reserve(wave="w1", market_id="m", quantity=5)
    assert len(set(first)) == 5
    assert service.reserve(wave="w1", market_id="m", quantity=5) == first
    assert not set(service.reserve(wave="w2", market_id="m", quantity=5)) & set(first)


def test_k4_a_fan_gets_one_code_per_wave_however_often_it_is_asked_for(service):
    code = service.generate(wave="w1", global_user_id="fan-1", market_id="m")
    assert service.generate(wave="w1", global_user_id="fan-1", market_id="m") == code
    assert service.generate(wave="w1", global_user_id="fan-2", market_id="m") != code


def test_k4_assignments_go_in_batches_of_2500_and_are_counted_together(box, service):
    codes = service.reserve(wave="w3", market_id="m", quantity=2_600)
    calls = box.received()["codes"]["calls"]
    pairs = [(code, f"fan-{number}") for number, code in enumerate(codes)]
    assert service.assign(wave="w3", assignments=pairs) == {
        "in": 2_600,
        "valid": 2_600,
        "updated": 2_600,
    }
    assert box.received()["codes"]["calls"] == calls + 2


def test_k4_released_codes_are_available_again(service):
    one, two = service.reserve(wave="w4", market_id="m", quantity=2)
    assert service.release(wave="w4", codes=[one]) == 1
    assert service.status(codes=[one, two], asked_at="now") == {one: "available", two: "reserved"}


def test_k4_what_the_service_refuses_is_one_clear_error(service):
    with pytest.raises(CodeServiceError, match="could not reserve"):
        service.reserve(wave="w5", market_id="m", quantity=0)


def test_k4_a_service_that_is_away_is_one_clear_error():
    with pytest.raises(CodeServiceError, match="CODE_SERVICE_URL"):
        CodeService("http://127.0.0.1:9", timeout_seconds=1).reserve(
            wave="w", market_id="m", quantity=1
        )
