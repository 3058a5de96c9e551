"""The page of what is kept and what was deleted. [O-10]"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from operations.models import Pruned
from operations.retention import kinds, prune

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
