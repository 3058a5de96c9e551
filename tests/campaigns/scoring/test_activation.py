"""Which score file counts: named before luck can be known, one pointer, switched at once, undone,
refused while a wave is being prepared; late with a right and a reason. [S-8, S-13]
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from campaigns.entropy.entry import enter_entropy
from campaigns.errors import (
    CannotActivate,
    CannotName,
    LateRefused,
    UnknownScoreFile,
    WrongStatus,
)
from campaigns.list_changes import late_lists
from campaigns.locks import lock_campaign
from campaigns.models import Activation, Campaign, LateChange, ListEntry, ScoreFile
from campaigns.opening import close_campaign
from campaigns.scoring import activation, score_files
from operations.errors import JobStopped
from tests.support.campaigns import (
    make_active,
    make_campaign,
    process_scores,
    receive_scores,
    score_file_bytes,
    score_row,
)
from tests.support.connections import elsewhere, preparing
from tests.support.people import keeper, staff, why_late

pytestmark = pytest.mark.django_db(transaction=True)

SOURCE = "drand round 5551234"


def scores(*numbers: int) -> bytes:
    return score_file_bytes([score_row(n) for n in numbers])


def active(campaign: Campaign) -> int | None:
    return Campaign.objects.get(pk=campaign.pk).active_score_file_id


def waiting_files(count: int) -> tuple[Campaign, list[ScoreFile]]:
    """Files whose rows are judged, and which wait for the public value."""
    campaign = make_campaign(entropy_source=SOURCE)
    return campaign, [process_scores(campaign, scores(*range(n + 1))) for n in range(count)]


def drawn(campaign: Campaign) -> None:
    """The value is entered, and all files that waited are drawn."""
    enter_entropy(campaign.pk, "4a7f", by=None)
    for score_file in score_files.release_waiting(campaign):
        score_files.process(score_files.open_job(score_file, by=None).pk)


def test_the_first_file_becomes_active_when_it_is_streamed_and_late_ones_by_hand():
    campaign = make_campaign()
    first = process_scores(campaign, scores(1))
    assert active(campaign) == first.pk
    second = process_scores(campaign, scores(2))
    assert second.late
    assert active(campaign) == first.pk
    make_active(second)
    assert active(campaign) == second.pk


def test_a_file_that_does_not_ask_to_be_active_is_activated_by_hand():
    campaign = make_campaign()
    first = process_scores(campaign, scores(1), activate=False)
    assert active(campaign) is None
    with pytest.raises(LateRefused):
        activation.activate(first.pk, by=None)


def test_of_several_files_that_wait_the_newest_alone_becomes_active_by_itself():
    """[S-8]"""
    campaign, files = waiting_files(3)
    drawn(campaign)
    assert active(campaign) == files[-1].pk


def processed(score_file: ScoreFile) -> ScoreFile:
    return score_files.process(score_files.open_job(score_file, by=None).pk)


def listed(campaign: Campaign) -> None:
    """An entry is added late, as it is public."""
    with transaction.atomic(), late_lists([campaign], by=keeper(), reason="spam wave"):
        ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="@x.example")


@pytest.mark.parametrize("changes", [False, True])
def test_a_named_file_is_judged_after_the_first_draw_and_active_unless_a_list_changed(changes):
    """Without a source; it was received in time. [S-8, S-13]"""
    campaign = make_campaign()
    first, named = (receive_scores(campaign, scores(n)) for n in (1, 2))
    processed(first)
    if changes:
        listed(campaign)
    assert processed(named).state == "streamed"
    assert (active(campaign) == named.pk) is not changes


def test_a_named_file_that_is_judged_first_after_the_value_is_entered_is_activated_by_hand():
    """Its lists and options could have been chosen knowing everyone's luck. [S-8, S-13]"""
    campaign = make_campaign(entropy_source=SOURCE)
    named = receive_scores(campaign, scores(1))
    enter_entropy(campaign.pk, "4a7f", by=None)
    assert processed(named).state == "streamed"
    assert Campaign.objects.get(pk=campaign.pk).named_score_file_id == named.pk
    assert active(campaign) is None
    with pytest.raises(LateRefused):
        activation.activate(named.pk, by=None)
    activation.activate(named.pk, by=keeper(), reason="the worker was slow")
    assert LateChange.objects.get().subject == "attempt 1 made active"


def test_a_named_file_cancelled_and_begun_anew_after_the_value_is_activated_by_hand(monkeypatch):
    """It was begun in time, but has the rules of its second begin. [S-8]"""
    campaign = make_campaign(entropy_source=SOURCE)
    named = receive_scores(campaign, scores(1))

    def cancelled(*arguments: Any) -> None:
        enter_entropy(campaign.pk, "4a7f", by=None)
        raise JobStopped("cancel")

    with monkeypatch.context() as patched:
        patched.setattr(score_files, "survey", cancelled)
        processed(named)
    named.refresh_from_db()
    assert (named.rules, named.rules_fixed_at) == ({}, None)
    assert processed(named).state == "streamed"
    assert Campaign.objects.get(pk=campaign.pk).named_score_file_id == named.pk
    assert active(campaign) is None


def test_who_chooses_another_file_before_the_value_is_entered_needs_no_reason():
    """[S-8]"""
    campaign, files = waiting_files(3)
    activation.name(files[0].pk, by=None)
    drawn(campaign)
    assert active(campaign) == files[0].pk
    assert not LateChange.objects.exists()


def test_once_luck_can_be_known_no_file_is_named_any_more():
    """[S-8]"""
    campaign, files = waiting_files(2)
    enter_entropy(campaign.pk, "4a7f", by=None)
    with pytest.raises(CannotName, match="can no longer be named"):
        activation.name(files[0].pk, by=keeper())


def test_a_failed_file_is_not_named():
    campaign, (first, second) = waiting_files(2)
    ScoreFile.objects.filter(pk=second.pk).update(state="failed", error="broken")
    with pytest.raises(CannotName, match="failed"):
        activation.name(second.pk, by=None)
    drawn(campaign)
    assert active(campaign) == first.pk


def test_a_late_switch_is_listed_with_its_reason_and_the_fans_it_moved():
    """[S-8] Fan 1 goes, fans 2 and 3 come, fan 4 stays as he was."""
    campaign = make_campaign()
    process_scores(campaign, scores(1, 4))
    second = process_scores(campaign, scores(2, 3, 4))
    make_active(second)
    (of_file, of_switch) = LateChange.objects.filter(campaign=campaign)
    assert (of_file.kind, of_file.subject, of_file.moved) == ("score_file", "attempt 2", 3)
    assert (of_switch.kind, of_switch.subject) == ("activation", "attempt 2 made active")
    assert (of_switch.number, of_switch.moved, of_switch.reason) == (2, 3, "a test")


@pytest.mark.parametrize("right", ["campaigns.activate_scores", "campaigns.late_activation"])
def test_a_late_switch_needs_a_right_of_its_own_and_a_reason(right):
    """[S-8]"""
    campaign = make_campaign()
    process_scores(campaign, scores(1))
    second = process_scores(campaign, scores(2))
    person, reason = staff("ann", right), "" if right.endswith("late_activation") else "why not"
    with pytest.raises(LateRefused, match="is late: the luck could be known since"):
        activation.activate(second.pk, by=person, reason=reason)
    with pytest.raises(LateRefused):
        activation.undo(campaign.pk, by=person, reason=reason)
    assert LateChange.objects.filter(kind="activation").count() == 0


def test_switches_are_undone_one_after_the_other():
    campaign = make_campaign()
    first, second, third = (process_scores(campaign, scores(n)) for n in (1, 2, 3))
    make_active(second)
    make_active(third)
    late = why_late(campaign)
    assert activation.undo(campaign.pk, **late).active_score_file == second
    assert activation.undo(campaign.pk, **late).active_score_file == first
    assert activation.undo(campaign.pk, **late).active_score_file is None
    with pytest.raises(CannotActivate, match="to undo"):
        activation.undo(campaign.pk, **late)
    activation.activate(third.pk, **late)
    assert activation.undo(campaign.pk, **late).active_score_file is None
    moved = LateChange.objects.filter(kind="activation").values_list("moved", flat=True)
    assert list(moved) == [2, 2, 2, 2, 1, 1, 1]


def between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens once while two files are compared for a late switch."""
    real, left = activation.moved_between, [happens]

    def compared(*files: ScoreFile | None) -> int:
        while left:
            left.pop()()
        return real(*files)

    monkeypatch.setattr(activation, "moved_between", compared)


def test_a_campaign_is_free_for_others_while_two_of_its_files_are_compared(monkeypatch):
    """[S-8] A wave that is due would wait for millions of rows."""
    campaign, locked = make_campaign(), []
    second = [process_scores(campaign, scores(n)) for n in (1, 2)][1]
    late = why_late(campaign)
    for switch in (
        lambda: activation.activate(second.pk, **late),
        lambda: activation.undo(campaign.pk, **late),
    ):
        between(monkeypatch, lambda: locked.append(elsewhere(lambda: lock_campaign(campaign.pk))))
        switch()
    assert locked == [campaign, campaign]


@pytest.mark.parametrize("how", ["activate", "undo"])
def test_who_switches_while_another_file_becomes_active_is_told_and_nothing_is_listed(
    how, monkeypatch
):
    """[S-8, S-16]"""
    campaign = make_campaign()
    first, second, third = (process_scores(campaign, scores(n)) for n in (1, 2, 3))
    make_active(second)
    late, before = why_late(campaign), LateChange.objects.count()
    between(monkeypatch, lambda: activation.activate(third.pk, **late))
    switch = {
        "activate": lambda: activation.activate(first.pk, **late),
        "undo": lambda: activation.undo(campaign.pk, **late),
    }
    with pytest.raises(CannotActivate, match="was changed meanwhile"):
        switch[how]()
    assert active(campaign) == third.pk
    assert LateChange.objects.count() == before + 1


def test_the_named_file_is_activated_by_hand_without_a_reason_where_a_wave_was_in_its_way():
    """[S-8, S-13] Nobody chose it knowing the luck."""
    campaign = make_campaign()
    with preparing(campaign):
        first = process_scores(campaign, scores(1))
    assert active(campaign) is None
    activation.activate(first.pk, by=None)
    assert active(campaign) == first.pk


def test_activating_the_active_file_is_no_switch():
    campaign = make_campaign()
    first = process_scores(campaign, scores(1))
    activation.activate(first.pk, by=None)
    assert Activation.objects.count() == 1


def test_while_a_wave_is_being_prepared_nothing_is_switched():
    campaign = make_campaign()
    first, second = process_scores(campaign, scores(1)), process_scores(campaign, scores(2))
    late = why_late(campaign)
    with preparing(campaign):
        with pytest.raises(CannotActivate, match="is being prepared"):
            activation.activate(second.pk, **late)
        with pytest.raises(CannotActivate, match="is being prepared"):
            activation.undo(campaign.pk, **late)
    assert active(campaign) == first.pk


def test_only_a_streamed_file_can_be_active():
    campaign = make_campaign()
    with pytest.raises(CannotActivate, match="uploaded"):
        activation.activate(receive_scores(campaign, scores(1)).pk, by=None)
    waiting = process_scores(make_campaign(entropy_source=SOURCE), scores(1))
    with pytest.raises(CannotActivate, match="validated"):
        activation.activate(waiting.pk, by=None)
    with pytest.raises(UnknownScoreFile):
        activation.activate(2**40, by=None)


def test_a_closed_campaign_keeps_what_it_has():
    """[C-2]"""
    campaign = make_campaign()
    process_scores(campaign, scores(1))
    second, late = process_scores(campaign, scores(2)), why_late(campaign)
    close_campaign(campaign.pk, by=None)
    with pytest.raises(WrongStatus):
        activation.activate(second.pk, **late)
    with pytest.raises(WrongStatus):
        activation.undo(campaign.pk, **late)


def ran(command: str, *arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(command, *arguments, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def test_the_commands_name_a_file_and_switch_late_for_a_reason():
    """[S-8]"""
    campaign, (first, second) = waiting_files(2)
    by = ("--by", keeper().username)
    assert ran("name_scores", str(first.pk), *by)["named"] == first.pk
    drawn(campaign)
    with pytest.raises(SystemExit):
        ran("activate_scores", str(second.pk), *by)
    why = ("--reason", "a test")
    assert ran("activate_scores", str(second.pk), *by, *why)["active"] == second.pk
    assert ran("undo_activation", campaign.campaign_id, *by, *why)["active"] == first.pk
    assert LateChange.objects.count() == 2
