"""The archiving of a campaign that is killed, really and anywhere: run again, it is archived once,
and its score rows are gone. [C-2, O-10]
"""

from __future__ import annotations

import signal

import pytest

from campaigns.models import Campaign, FanScore
from operations.models import Job, Pruned, StatusChange
from tests.console.archiving.closed import without_waves
from tests.support.people import staff
from tests.support.processes import Process, command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.full]

CALLS = (
    "console.archiving.published:problem_of",
    "datalake.parity.check:check",
    "console.archiving.archive:archive_campaign",
    "campaigns.scoring.tables:drop",
    "operations.retention.prune:_count",
    "operations.leases:finish",
)


def start(campaign: Campaign, **deadly: str | int) -> Process:
    asked = ("--by", "ann", "--reason", "over", "--json")
    return command("archive_campaign", campaign.campaign_id, *asked, **deadly)


@pytest.mark.parametrize("call", CALLS)
def test_c2_killed_at_a_step_the_next_run_archives_it_once_and_deletes_what_is_left(call):
    campaign = without_waves()
    staff("ann", "campaigns.archive_campaign", "campaigns.view_campaign")
    assert start(campaign, killed_at=call, nth=1).wait() == -signal.SIGKILL
    assert start(campaign).result()["state"] == "archived"
    assert FanScore.objects.count() == 0
    assert Pruned.objects.get(rows="score rows of archived campaigns").deleted == 3
    assert StatusChange.objects.filter(to_state="archived").count() == 1
    assert Job.objects.get(kind="archive_campaign").state == "done"
