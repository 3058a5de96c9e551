"""Configs that another service puts into the bucket. [W-3, T-2]"""

from __future__ import annotations

import json
import threading

import pytest

from campaigns import tasks as campaign_tasks
from campaigns.errors import UnfitName
from campaigns.intake import arrivals
from campaigns.models import Arrival
from datalake.aws.sqs import SqsQueue
from datalake.storage import buckets
from operations.models import Alert, Job
from tests.campaigns.intake.dropped_files import drop
from tests.support import cloud, verdicts
from tests.support.waves import (
    KEY,
    NOTIFY,
    NOW,
    approve,
    campaign_with,
    members_of,
    published,
    request,
)
from tests.waves.uploads.lists import config_of, row, rows_of, uploaded
from waves.actions import cancel
from waves.errors import BadWaveConfig, BadWaveList, ReasonMissing, TooLate, WrongState
from waves.models import Assignment, Code, Wave, WaveUpload
from waves.preparation import config_files
from waves.preparation.prepare import prepare
from waves.schedule import schedule
from waves.sending.triggering import trigger
from waves.uploads import dropped, upload

pytestmark = pytest.mark.django_db


FAN_CLUB = {"reason": "fan club"}


def put(campaign, rows, *, key=KEY, encoded=False, **config) -> str:
    config = {"options": FAN_CLUB} | config
    name = f"{campaign.campaign_id}_{key}"
    buckets.scoring().put(f"smsWaves/csv/{name}.csv", rows_of(rows))
    at = f"smsWaves/scheduled/{name.replace('_', '%5F') if encoded else name}_csv.json"
    return drop(at, json.dumps(config_of(campaign, **config)).encode())


def taken():
    """The job that takes in the list of the one config that lies there."""
    (job,) = arrivals.look()
    assert job.kind == "take_wave_config"
    return dropped.take(job.pk, now=NOW)


@pytest.mark.parametrize("encoded", [False, True])
def test_w3_a_config_that_is_dropped_becomes_a_wave_that_waits_for_approval(encoded):
    campaign = campaign_with(6)
    key = put(campaign, [row(0), row(1)], encoded=encoded)
    job = taken()
    wave = upload.run(job.pk, now=NOW)
    assert (wave.state, wave.selected, wave.prepared_by) == ("prepared", 2, None)
    assert set(members_of(wave)) == {"fan-000000", "fan-000001"}
    about = WaveUpload.objects.get()
    assert (about.by_role, about.reason) == ("another service", "fan club")
    assert not buckets.scoring().exists(key)
    assert arrivals.look() == []


def test_w3_our_own_configs_are_not_taken_up(ann, root):
    wave = prepare(request(campaign_with(6)), by=ann, now=NOW).wave
    approve(wave, by=root, digest=wave.content_digest, now=NOW)
    schedule(wave, by=root, now=NOW)
    config_files.sweep()
    key = f"smsWaves/scheduled/{wave.name}_csv.json"
    drop(key, config_files.config_of(wave))  # as old as what is looked at
    jobs = arrivals.look()
    assert [dropped.take(job.pk, now=NOW) for job in jobs] == [None]
    assert Wave.objects.get().kind == "drawn"
    Arrival.objects.all().delete()
    arrivals.note_ours(buckets.scoring().found(key))
    assert arrivals.look() == []


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("notes.json", b"{}", UnfitName),
        ("CAMPAIGN_20260121_csv.json", b"{", BadWaveConfig),
        ("CAMPAIGN_20260121_csv.json", b'{"campaignId": "x"}', BadWaveConfig),
        ("other_20260121_csv.json", None, BadWaveConfig),
        ("CAMPAIGN_20260121_csv.json", None, BadWaveList),
    ],
    ids=["name", "no JSON", "keys", "another campaign", "no list"],
)
def test_w3_what_cannot_be_understood_alerts_once_and_is_listed(name, content, error):
    campaign = campaign_with(3)
    content = json.dumps(config_of(campaign)).encode() if content is None else content
    drop(f"smsWaves/scheduled/{name.replace('CAMPAIGN', campaign.campaign_id)}", content)
    with pytest.raises(error):
        taken()
    assert Job.objects.get().state == "failed"
    assert Alert.objects.count() == 1
    assert arrivals.look() == []
    assert not Wave.objects.exists()


def test_s8_another_service_says_why_its_fans_are_not_drawn():
    campaign = campaign_with(3)
    key = put(campaign, [row(0)], options={})
    with pytest.raises(ReasonMissing):
        taken()
    assert buckets.scoring().exists(key)
    assert not Wave.objects.exists()


def test_w4_another_service_cannot_expedite():
    campaign = campaign_with(3)
    put(campaign, [row(0)], notifyDate="2026-01-20T00:00:00Z")
    with pytest.raises(TooLate):
        taken()


def test_w3_a_config_that_was_taken_up_before_its_worker_died_is_not_refused(monkeypatch):
    campaign = campaign_with(3)
    put(campaign, [row(0)])
    (job,) = arrivals.look()
    upload.run(dropped.take(job.pk, now=NOW).pk, now=NOW)
    Job.objects.filter(pk=job.pk).update(state="queued")
    Arrival.objects.all().delete()
    key = put(campaign, [row(0)])
    assert taken() is None
    assert not buckets.scoring().exists(key)


def test_o6_what_took_the_place_of_a_config_that_was_taken_up_is_not_deleted(monkeypatch):
    """[W-3] A newer config, or our own where another attempt was faster."""
    campaign, real = campaign_with(3), dropped.submit
    key = put(campaign, [row(0)])

    def meanwhile(*values, **named):
        drop(key, b"a newer one")
        return real(*values, **named)

    monkeypatch.setattr(dropped, "submit", meanwhile)
    assert taken() is not None
    with buckets.scoring().open(key) as file:
        assert file.read() == b"a newer one"


def test_t2_a_completed_config_publishes_what_is_missing(ann, root):
    wave = uploaded(campaign_with(6), [row(0), row(1)], by=ann)
    approve(wave, by=root, digest=wave.content_digest, now=NOW)
    schedule(wave, by=root, now=NOW)
    trigger(wave, by=None, now=NOTIFY)
    Wave.objects.update(state="completed")
    last = Assignment.objects.order_by("id").last()  # a batch is named by its first one
    Assignment.objects.filter(pk=last.pk).update(published_at=None)
    before = len(published())
    config = json.dumps(config_of(wave.campaign)).encode()
    key = drop(f"smsWaves/completed/{wave.name}_csv.json", config)
    assert taken() is None
    assert len(published()) == before + 1
    assert not Assignment.objects.filter(published_at=None).exists()
    drop(key, config + b" ")
    assert taken() is None
    assert len(published()) == before + 1
    verdicts.consume()
    assert sorted(each["code"] for each in verdicts.told()) == sorted(members_of(wave).values())


def test_t2_a_completed_config_of_a_wave_that_was_not_sent_is_refused(ann):
    wave = uploaded(campaign_with(6), [row(0)], by=ann)
    config = json.dumps(config_of(wave.campaign)).encode()
    drop(f"smsWaves/completed/{wave.name}_csv.json", config)
    with pytest.raises(BadWaveConfig, match="this wave is prepared"):
        taken()


def test_w11_a_completed_config_publishes_nothing_that_the_code_service_has_not_confirmed(
    ann, root
):
    wave = uploaded(campaign_with(6), [row(0)], by=ann)
    approve(wave, by=root, digest=wave.content_digest, now=NOW)
    schedule(wave, by=root, now=NOW)
    Code.objects.update(source="partner", origin="code service")
    trigger(wave, by=None, now=NOTIFY)
    config = json.dumps(config_of(wave.campaign)).encode()
    drop(f"smsWaves/completed/{wave.name}_csv.json", config)
    with pytest.raises(BadWaveConfig, match="has not confirmed all of its codes"):
        taken()
    assert published() == []


def test_w3_the_config_of_a_cancelled_wave_is_refused_and_stays(ann, root):
    campaign = campaign_with(6)
    put(campaign, [row(0)])
    wave = upload.run(taken().pk, now=NOW)
    cancel(wave, by=root, reason="no show")
    key = put(campaign, [row(0)])
    with pytest.raises(WrongState, match="is cancelled"):
        taken()
    assert buckets.scoring().exists(key)


@pytest.mark.django_db(transaction=True)
def test_w3_a_config_that_s3_announces_is_taken_up(aws):
    campaign = campaign_with(3)
    cloud.notify_queue(aws)
    name = f"{campaign.campaign_id}_{KEY}"
    aws.put(f"smsWaves/csv/{name}.csv", rows_of([row(0)]))
    config = json.dumps(config_of(campaign, options=FAN_CLUB)).encode()
    aws.put(f"smsWaves/scheduled/{name}_csv.json", config)
    queue = SqsQueue(aws.queue, endpoint=aws.address)
    assert campaign_tasks.consume_s3_events(queue, stop=threading.Event(), once=True).done == 1
    job = dropped.take(Job.objects.get().pk, now=NOW)
    assert upload.run(job.pk, now=NOW).state == "prepared"
