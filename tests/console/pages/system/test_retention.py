"""The page of what is kept and what was deleted, and the pages of what is gone. [O-10]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import Campaign
from operations.database.clock import database_time
from operations.models import Pruned
from operations.retention import kinds, prune
from tests.console.archiving.closed import sent_wave, settled
from waves.models import Assignment, Wave

pytestmark = pytest.mark.django_db


def test_o10_what_goes_is_counted_beside_its_setting_and_by_day(viewer):
    kind = kinds.registered()[0]
    today = timezone.now().date()
    Pruned.objects.create(rows=kind.rows, day=today, deleted=1_234)
    Pruned.objects.create(rows=kind.rows, day=today - timedelta(days=90), deleted=1_000)
    job = prune.open_job()
    html = viewer.get("/admin/retention/").content.decode()
    for part in (kind.setting, ">1,234<", ">2,234<", f"/admin/job/{job.pk}/"):
        assert part in html
    assert ">1,000<" not in html


def looked_at(client: Client, wave: Wave) -> dict[str, tuple[int, str]]:
    """Page → how many queries it took, and what it says."""
    file, member = wave.score_file_id, Assignment.objects.earliest("pk")
    code = {"code": member.code.code, "reason": "asked"}
    fan = {"campaign": wave.campaign_id, "fan": member.global_user_id, "reason": "asked"}
    addresses = {
        "campaign": (f"/admin/campaign/{wave.campaign.campaign_id}/", None),
        "wave": (f"/admin/wave/{wave.name}/", None),
        "messages": (f"/admin/wave/{wave.name}/messages/", None),
        "file": (f"/admin/score-file/{file}/", None),
        "fairness": (f"/admin/score-file/{file}/fairness/", None),
        "suspicious": (f"/admin/score-file/{file}/suspicious/", None),
        "draw": (f"/draws/{wave.campaign.campaign_id}", None),
        "code": ("/admin/find-code/", code),
        "fan": ("/admin/find/", fan),
    }
    found = {}
    for name, (address, form) in addresses.items():
        with CaptureQueriesContext(connection) as queries:
            answer = client.post(address, form) if form else client.get(address)
        assert answer.status_code == 200, address
        found[name] = (len(queries), answer.content.decode())
    return found


def test_o10_pages_of_what_was_deleted_answer_with_no_more_queries_and_say_so(client):
    wave = sent_wave()
    settled(wave.campaign)
    before = looked_at(client, wave)
    at = database_time() - timedelta(days=401)
    Campaign.objects.update(status="archived", archived_at=at)
    prune.run(prune.open_job().pk)
    after = looked_at(client, wave)
    for name, said in {
        "campaign": "The campaign is archived. Its rows are deleted by age",
        "wave": "The members and messages of this wave were deleted by age",
        "messages": "The messages of this wave were deleted by age",
        "file": "The rows of this file were deleted on",
        "fairness": "no longer stored, so no report can be created",
        "suspicious": "The rows of this score file are no longer stored",
        "draw": wave.date_key,
        "code": "its messages were deleted after the campaign was archived",
        "fan": "Score, place and result are in the proof",
    }.items():
        assert said in after[name][1], name
        assert after[name][0] <= before[name][0] + 1, name
    assert "The fan has a code of this campaign." in after["fan"][1]
    assert "Archive campaign" in before["campaign"][1]
    assert "Archive campaign" not in after["campaign"][1]
