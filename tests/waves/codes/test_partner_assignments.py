"""At trigger the code service confirms whose its codes are, before anything is published or sent.
[K-4, W-11]
"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from operations.models import Alert, Job
from tests.support.database import kept
from tests.support.waves import NOTIFY, NOW, person, published, scheduled
from tests.waves.codes.code_service import HONEST, faults, running
from waves.actions import cancel, resume
from waves.codes import partner_assignments
from waves.errors import CodeServiceAway
from waves.models import Assignment, Code, CodeServiceCall, Send
from waves.schedule import check_due_waves, claim_due_waves
from waves.sending import tasks as sending_tasks
from waves.sending.triggering import assign_codes

pytestmark = pytest.mark.django_db
DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server():
    with running() as box:
        yield box


@pytest.fixture
def box(server, settings):
    settings.CODE_SERVICE_URL, settings.CODE_SERVICE_SECONDS = server.url, 5
    settings.SMS_URL = server.url
    server.control(**HONEST)
    return server


def due(**options):
    """A triggered wave whose ten members have partner codes."""
    wave = scheduled(code_source="partner", **options)
    return triggered(wave)


def triggered(wave):
    """What the scheduler and the page of a held wave do."""
    claim_due_waves(now=NOTIFY)
    wave.refresh_from_db()
    assign_codes(wave, now=NOTIFY)
    return wave


def sent(wave):
    """What a worker does with it."""
    sending_tasks.wake_senders([wave])
    sending_tasks.run_sending(Job.objects.filter(kind=sending_tasks.SEND_KIND).latest("pk").pk)
    wave.refresh_from_db()
    return wave.state


def test_w11_a_trigger_waits_for_no_network_and_publishes_nothing_unconfirmed(box, settings):
    wave = scheduled(code_source="partner")
    settings.CODE_SERVICE_URL = DEAD
    assert triggered(wave).state == "triggered"
    assert Assignment.objects.filter(wave=wave).count() == 10
    assert partner_assignments.is_waiting(wave)
    assert published() == []


@pytest.mark.django_db(transaction=True)
def test_w11_codes_are_confirmed_in_batches_then_published_then_sent(box, monkeypatch, client):
    monkeypatch.setattr(partner_assignments, "MOST_AT_ONCE", 4)
    wave = due()
    assert sent(wave) == "completed"
    calls = CodeServiceCall.objects.filter(wave=wave, action="assign").order_by("number")
    assert [(call.quantity, call.valid, call.updated) for call in calls] == [
        (4, 4, 4),
        (4, 4, 4),
        (2, 2, 2),
    ]
    assert not Code.objects.filter(confirmed_at=None).exists()
    assert len(published()) == 10
    found = partner_assignments.counts_of(wave)
    assert (found.reserved, found.asked, found.valid, found.updated) == (10, 10, 10, 10)
    client.force_login(User.objects.create_superuser("looks"))
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "<dt>Valid</dt><dd>10</dd>" in html


def test_w11_repeats_change_nothing(box):
    wave = due()
    assert partner_assignments.confirm(wave, now=NOTIFY) == 10
    calls = box.received()["codes"]["calls"]
    assert partner_assignments.confirm(wave, now=NOTIFY) == 0
    assert box.received()["codes"]["calls"] == calls


@pytest.mark.django_db(transaction=True)
def test_w11_fewer_valid_than_asked_pauses_the_wave_with_the_numbers_and_sends_nothing(box):
    wave = due()
    with faults(box, code_faults={"assign": "short"}):
        assert sent(wave) == "paused"
    text = Alert.objects.latest("pk").text
    assert "the code service confirmed 5 of 10 access codes" in text
    assert "At the service: 5 assigned, 5 reserved." in text
    assert (published(), Send.objects.count()) == ([], 0)
    found = partner_assignments.counts_of(wave)
    assert (found.asked, found.valid, found.updated) == (10, 5, 5)
    resume(wave, by=person("root"), reason="the partner has repaired it")
    assert sent(wave) == "completed"
    calls = CodeServiceCall.objects.filter(wave=wave, action="assign").order_by("number")
    assert [(call.valid, call.updated) for call in calls] == [(5, 5), (10, 5)]
    assert len(published()) == 10
    assert Send.objects.filter(state="sent").count() == 10


@pytest.mark.django_db(transaction=True)
def test_w11_a_service_that_is_away_leaves_the_wave_to_the_next_try_of_its_job(box, settings):
    wave = due()
    settings.CODE_SERVICE_URL, settings.CODE_SERVICE_SECONDS = DEAD, 0.3
    with pytest.raises(CodeServiceAway):
        sent(wave)
    job = Job.objects.get(kind=sending_tasks.SEND_KIND)
    assert (job.state, job.retry_at is None) == ("failed", False)
    assert (published(), Send.objects.count()) == ([], 0)
    settings.CODE_SERVICE_URL, settings.CODE_SERVICE_SECONDS = box.url, 5
    assert sent(wave) == "completed"
    [call] = CodeServiceCall.objects.filter(wave=wave, action="assign")
    assert (call.number, call.valid, call.updated) == (1, 10, 10)


def test_w11_an_answer_that_was_lost_is_asked_for_again_under_the_same_key(box, settings):
    wave = due()
    settings.CODE_SERVICE_SECONDS = 0.4
    with (
        faults(box, code_faults={"assign": "slow"}, code_slow_seconds=0.8),
        pytest.raises(CodeServiceAway),
    ):
        partner_assignments.confirm(wave, now=NOTIFY)
    assert partner_assignments.confirm(wave, now=NOTIFY) == 10
    [call] = CodeServiceCall.objects.filter(wave=wave, action="assign")
    assert (call.valid, call.updated) == (10, 10)  # as the first answer said


@pytest.mark.django_db(transaction=True)
def test_w11_an_answer_that_cannot_be_right_pauses_the_wave_and_resuming_asks_anew(box):
    wave = due()
    with faults(box, code_faults={"assign": "nonsense"}):
        assert sent(wave) == "paused"
    assert "could not assign 10 codes" in Alert.objects.latest("pk").text
    assert (published(), Send.objects.count()) == ([], 0)
    resume(wave, by=person("root"), reason="the partner has repaired it")
    assert sent(wave) == "completed"
    calls = CodeServiceCall.objects.filter(wave=wave, action="assign").order_by("number")
    assert [call.valid for call in calls] == [None, 10]


def test_w11_without_a_service_any_more_the_wave_is_paused_with_what_to_set(box, settings):
    wave = due()
    settings.CODE_SERVICE_URL = ""
    assert sent(wave) == "paused"
    assert "CODE_SERVICE_URL is not set" in Alert.objects.latest("pk").text
    cancel(wave, by=person("root"), reason="no service")


def test_a_wave_without_codes_of_the_service_is_asked_nothing(settings):
    settings.CODE_SERVICE_URL = DEAD
    wave = kept.scheduled()
    check_due_waves(now=NOTIFY)
    assert len(published()) == 10
    assert partner_assignments.confirm(wave, now=NOW) == 0
    assert partner_assignments.counts_of(wave) is None
