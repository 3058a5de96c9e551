"""What runs on a schedule saves, reports and measures. [O-3, O-8]"""

from __future__ import annotations

import pytest

from operations.models import Alert
from stats import tasks
from stats.models import Metric, Snapshot
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_o3_o8_the_scheduled_runs_do_their_work():
    """save_stats, slack_stats, watch_metrics, report_finished and thin_out_stats."""
    campaign_with(fans=2)
    for run in tasks.SCHEDULED_RUNS:
        run.run()
    assert Snapshot.objects.get().registered == 2
    assert Alert.objects.get().text.startswith(":bar_chart: Spring Tour")
    assert Metric.objects.count() == 15
