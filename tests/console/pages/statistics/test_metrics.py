"""The page of the success metrics. [O-8]"""

from __future__ import annotations

import pytest

from stats.models import Metric
from tests.support.waves import NOW

pytestmark = pytest.mark.django_db


def test_o8_each_metric_is_shown_beside_its_target_with_whether_it_is_met(viewer):
    Metric.objects.create(name="job_success", value=98.5, samples=200, measured_at=NOW)
    Metric.objects.create(name="rows_lost", value=0, samples=12, measured_at=NOW)
    html = " ".join(viewer.get("/admin/success-metrics/").content.decode().split())
    assert "1 target missed." in html
    assert '98.5%</td> <td data-label="Target">over 99%</td>' in html
    assert html.count('<span class="fw-badge fw-good">met</span>') == 1
    assert html.count("nothing to measure") == 13
