"""A closed campaign is archived: what goes, what stays, and what happens when it is cut off. [C-2,
O-10]
"""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from campaigns.errors import WrongStatus
from campaigns.models import Campaign, FanScore, SuspiciousFan, SuspiciousGroup
from campaigns.opening import close_campaign
from campaigns.scoring import tables
from console.archiving import archive
from console.proof import proof
from operations.errors import JobBusy
from operations.models import Job, Pruned, StatusChange
from operations.retention import prune
from tests.console.archiving.closed import after_a_wave, without_waves
from tests.console.proof.presale_cases import verify
from tests.support.people import staff
from tests.support.waves import campaign_with, person
from waves.models import Code, Member, Send

pytestmark = pytest.mark.django_db


def moves() -> list[tuple[str, str, str]]:
    """What the history says of archiving: to which state, by whom, why."""
    rows = StatusChange.objects.filter(subject_kind="campaign", to_state__startswith="archiv")
    return list(rows.order_by("id").values_list("to_state", "by__username", "reason"))


def test_c2_o10_score_rows_go_at_once_and_files_counts_codes_messages_and_proof_stay():
    campaign = after_a_wave()
    file = campaign.active_score_file
    group = SuspiciousGroup.objects.create(
        score_file=file, number=1, kind="stem", fans=1, expected=0, corrected_p=0
    )
    SuspiciousFan.objects.create(group=group, place=1, global_user_id="fan-000001")
    rows, made = FanScore.objects.count(), proof.proof_bundle(campaign.campaign_id)
    page = Client().get(f"/draws/{campaign.campaign_id}/draw.json").json()
    counted = [model.objects.count() for model in (Member, Send, Code, SuspiciousGroup)]
    job = archive.ask(campaign.pk, by=person("ann"), reason="the tour is over")
    archived = archive.run(job.pk)
    assert (archived.status, archived.archived_at is not None) == ("archived", True)
    assert moves() == [
        ("archiving", "ann", "the tour is over"),
        ("archived", "ann", "the tour is over"),
    ]
    file.refresh_from_db()
    assert file.rows_deleted_at >= archived.archived_at
    assert tables.rows_in(file.pk) == FanScore.objects.count() == SuspiciousFan.objects.count() == 0
    deleted = dict(Pruned.objects.values_list("rows", "deleted"))
    assert deleted == {
        "score rows of archived campaigns": rows,
        "suspicious fans of archived campaigns": 1,
    }
    assert [model.objects.count() for model in (Member, Send, Code, SuspiciousGroup)] == counted
    # the proof stays as it was checked, also where somebody asks for it again
    assert proof.proof_bundle(campaign.campaign_id) == made
    assert verify(made)["problems"] == []
    now = Client().get(f"/draws/{campaign.campaign_id}/draw.json").json()
    assert now == page | {"status": "archived"}
    assert Client().get(f"/draws/{campaign.campaign_id}/proof.zip").status_code == 200


def test_c2_two_who_ask_at_once_ask_for_one_job_and_the_first_reason_counts():
    campaign = without_waves()
    job = archive.ask(campaign.pk, by=person("ann"), reason="the first")
    assert archive.ask(campaign.pk, by=person("bob"), reason="the second") == job
    archive.run(job.pk)
    with pytest.raises(JobBusy):
        archive.run(job.pk)
    assert moves() == [("archiving", "ann", "the first"), ("archived", "ann", "the first")]
    with pytest.raises(WrongStatus, match="Only a closed campaign can be archived"):
        archive.ask(campaign.pk, by=person("bob"), reason="again")


def test_c2_what_is_refused_leaves_the_campaign_closed_and_is_asked_for_again(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)
    job = archive.ask(campaign.pk, by=person("ann"), reason="too early")
    with pytest.raises(archive.conditions.NotArchivable, match="It was not created yet"):
        archive.run(job.pk)
    assert Campaign.objects.get(pk=campaign.pk).status == "closed"
    assert FanScore.objects.exists()
    monkeypatch.setattr(archive, "_require", lambda *_: None)
    again = archive.ask(campaign.pk, by=person("bob"), reason="now it may")
    assert again == job
    archive.run(again.pk)
    assert moves()[-1] == ("archived", "bob", "now it may")


def test_c2_o10_cut_off_behind_the_move_the_next_attempt_deletes_what_is_left(monkeypatch):
    campaign = without_waves()
    job = archive.ask(campaign.pk, by=None, reason="")

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as deadly:
        deadly.setattr(prune, "prune", killed)
        with pytest.raises(KeyboardInterrupt):
            archive.run(job.pk)
    job.refresh_from_db()
    assert (job.state, Campaign.objects.get().status) == ("queued", "archived")
    assert FanScore.objects.count() == 3
    archive.run(job.pk)
    assert FanScore.objects.count() == 0
    assert Pruned.objects.get().deleted == 3
    assert [state for state, *_ in moves()] == ["archiving", "archived"]


def test_c2_a_message_that_is_settled_to_go_again_while_the_proof_is_checked_is_seen(monkeypatch):
    campaign = after_a_wave()
    checked = archive._require

    def and_settle(*given: object) -> None:
        checked(*given)  # type: ignore[arg-type]
        Send.objects.filter(pk=Send.objects.earliest("pk").pk).update(state="pending")

    monkeypatch.setattr(archive, "_require", and_settle)
    with pytest.raises(archive.conditions.NotArchivable, match="1 message of the campaign is"):
        archive.run(archive.ask(campaign.pk, by=None, reason="").pk)
    assert Campaign.objects.get().status == "closed"


def test_c2_the_command_archives_here_and_answers_the_same_when_it_is_done():
    campaign = without_waves()
    staff("ann", "campaigns.archive_campaign", "campaigns.view_campaign")
    answers = []
    for _ in range(2):
        out = StringIO()
        call_command(
            *(
                "archive_campaign",
                campaign.campaign_id,
                "--by",
                "ann",
                "--reason",
                "over",
                "--json",
            ),
            stdout=out,
        )
        answers.append(json.loads(out.getvalue()))
    assert [each["state"] for each in answers] == ["archived", "archived"]
    assert answers[0]["commitment"] == campaign.commitment
    assert Job.objects.filter(kind="archive_campaign").count() == 1
    assert moves()[-1] == ("archived", "ann", "over")
