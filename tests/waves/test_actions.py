"""What a person does to a wave by hand: reset, cancel, pause, each with a reason. [W-2, W-9,
K-5]
"""

from __future__ import annotations

import pytest

from operations.models import StatusChange
from tests.support.waves import KEY, NOW, campaign_with, person, request
from waves.actions import cancel, pause, reset
from waves.approval import approve
from waves.choices import CodeState, WaveState
from waves.errors import (
    AttemptsExhausted,
    NotPermitted,
    ReasonMissing,
    WrongState,
)
from waves.lifecycle import wave_named
from waves.models import Code, Wave
from waves.preparation.prepare import prepare
from waves.schedule import schedule

pytestmark = pytest.mark.django_db


class Broken(Exception):
    """A fault on purpose."""


def break_apply(monkeypatch) -> None:
    def refuse(*_, **__):
        raise Broken("the disk is full")

    monkeypatch.setattr("waves.preparation.prepare._write_markets", refuse)


def test_w9_a_third_attempt_is_refused_until_a_reset_with_a_reason(ann, root, monkeypatch):
    campaign = campaign_with(6)
    with monkeypatch.context() as patch:
        break_apply(patch)
        for _ in range(2):
            with pytest.raises(Broken):
                prepare(request(campaign), by=ann, now=NOW)
    with pytest.raises(AttemptsExhausted, match="reset"):
        prepare(request(campaign), by=ann, now=NOW)
    wave = wave_named(f"{campaign.campaign_id}_{KEY}")
    with pytest.raises(NotPermitted):
        reset(wave, by=ann, reason="the disk has room again")
    reset(wave, by=root, reason="the disk has room again")
    assert StatusChange.objects.filter(
        subject_kind="wave", subject_id=wave.name, reason="the disk has room again", by=root
    ).exists()
    assert prepare(request(campaign), by=ann, now=NOW).wave.attempts == 1


def test_k5_k6_cancelling_frees_fans_and_codes(ann):
    campaign = campaign_with(5)
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    cancel(wave, by=ann, reason="rain")
    assert set(Code.objects.filter(campaign=campaign).values_list("state", flat=True)) == {
        CodeState.AVAILABLE
    }
    again = prepare(request(campaign, "20260121-2"), by=ann, now=NOW)
    assert (again.wave.selected, again.codes["generated"]) == (5, 0)


@pytest.fixture
def wave():
    return prepare(request(campaign_with(12)), by=person("ann"), now=NOW).wave


def approved(wave: Wave) -> Wave:
    return approve(wave, by=person("bob"), digest=wave.content_digest, now=NOW)


def test_w2_a_scheduled_wave_is_not_reset(wave):
    approved(wave)
    schedule(wave, by=person("bob"), now=NOW)
    with pytest.raises(WrongState):
        reset(wave, by=person("root", superuser=True), reason="x")


@pytest.mark.parametrize("step", [cancel, pause, reset])
def test_w2_every_action_needs_a_reason(wave, step):
    with pytest.raises((ReasonMissing, WrongState)):
        step(wave, by=person("root", superuser=True), reason="  ")
    wave.refresh_from_db()
    assert wave.state == WaveState.PREPARED
