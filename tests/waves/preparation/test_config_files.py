"""The files in smsWaves/ follow their wave. [W-3]"""

from __future__ import annotations

import json

import pytest

from datalake.storage import buckets
from tests.support.waves import NOTIFY, NOW, approve, campaign_with, request
from tests.waves.uploads.lists import row, uploaded
from waves.actions import cancel
from waves.models import Member, Wave
from waves.preparation import config_files
from waves.preparation.prepare import prepare
from waves.schedule import schedule
from waves.sending.triggering import trigger

pytestmark = pytest.mark.django_db


def found() -> set[str]:
    keys = [key.removeprefix("smsWaves/") for key in buckets.scoring().list("smsWaves/")]
    return {key for key in keys if not key.startswith("uploads/")}


def content(key: str) -> bytes:
    with buckets.scoring().open(f"smsWaves/{key}") as file:
        return file.read()


def test_w3_the_config_of_a_drawn_wave_moves_with_its_state_and_the_members_stay(ann, root):
    campaign = campaign_with(6, product_id="P", category_id="C")
    wave = prepare(request(campaign), by=ann, now=NOW).wave
    name = wave.name
    lasting = {f"configs/{name}.normalized.json", f"csv/{name}.csv"}
    assert found() == lasting
    lines = content(f"csv/{name}.csv").decode().splitlines()
    members = Member.objects.filter(wave=wave).order_by("place")
    assert lines[0] == "globalUserId,memberId,marketId,email,phone,code"
    assert [line.partition(",")[0] for line in lines[1:]] == [m.global_user_id for m in members]
    assert json.loads(content(f"configs/{name}.normalized.json")) == {
        "campaignId": campaign.campaign_id,
        "categoryId": "C",
        "productId": "P",
        "source": "",
        "notifyDate": "2026-01-21T18:00:00.000Z",
        "beginDate": "2026-01-20T18:00:00.000Z",
        "endDate": "2027-01-21T18:00:00.000Z",
        "generateOfferCode": False,
    }
    approve(wave, by=root, digest=wave.content_digest, now=NOW)
    schedule(wave, by=root, now=NOW)
    config_files.sweep()
    assert found() == {*lasting, f"scheduled/{name}_csv.json"}
    trigger(wave, by=None, now=NOTIFY)
    config_files.sweep()
    assert found() == {*lasting, f"triggered/{name}_csv.json"}
    Wave.objects.update(state="completed")
    config_files.sweep()
    assert found() == {*lasting, f"completed/{name}_csv.json"}
    assert content(f"completed/{name}_csv.json") == content(f"configs/{name}.normalized.json")
    assert not config_files.behind().exists()


def test_w3_while_codes_are_made_the_config_says_so(ann, monkeypatch):
    campaign, real = campaign_with(6), config_files.write_generating
    seen = []

    def written(wave):
        real(wave)
        seen.append(json.loads(content(f"configs/generateCode_{wave.name}.json"))["genCodes"])

    monkeypatch.setattr(config_files, "write_generating", written)
    wave = uploaded(campaign, [row(0)], by=ann)
    assert seen == [True]
    assert f"configs/generateCode_{wave.name}.json" not in found()
    assert "genCodes" not in json.loads(content(f"configs/{wave.name}.normalized.json"))


def test_w3_a_cancelled_wave_has_no_files_there(ann, root):
    wave = uploaded(campaign_with(6), [row(0), row(0)], by=ann)
    assert f"csv/{wave.name}.rejected.csv" in found()
    cancel(wave, by=root, reason="not needed")
    assert found() == set()


def test_w3_while_the_bucket_is_away_the_wave_goes_on_and_a_sweep_writes_them_later(
    ann, monkeypatch
):
    campaign = campaign_with(6)
    with monkeypatch.context() as patch:

        def away(wave, keys):
            raise OSError("away")

        patch.setattr(config_files, "_write_lists", away)
        wave = prepare(request(campaign), by=ann, now=NOW).wave
        assert (wave.state, found()) == ("prepared", set())
        assert config_files.sweep() == 0
    assert config_files.sweep() == 1
    assert found() == {f"configs/{wave.name}.normalized.json", f"csv/{wave.name}.csv"}


def test_o6_files_that_became_uncertain_while_they_were_written_are_written_again(ann, monkeypatch):
    real = config_files._write_lists

    def meanwhile(wave, keys):
        real(wave, keys)
        config_files.have_swept(wave)

    with monkeypatch.context() as patch:
        patch.setattr(config_files, "_write_lists", meanwhile)
        wave = prepare(request(campaign_with(6)), by=ann, now=NOW).wave
    assert list(config_files.behind()) == [wave]
    config_files.sweep()
    assert not config_files.behind().exists()


def test_w3_what_a_killed_attempt_left_is_swept_away(ann):
    wave = uploaded(campaign_with(6), [row(0)], by=ann)
    config_files.write_generating(wave)
    config_files.sweep()
    assert f"configs/generateCode_{wave.name}.json" not in found()
