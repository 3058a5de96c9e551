"""`replay_dead_letters`: by number, by consumer or all. [T-1]"""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from datalake.models import DeadLetter
from datalake.streams import deadletters
from datalake.streams.deadletters import StreamRecord

pytestmark = pytest.mark.django_db


def dead_letter(position: int = 1, consumer: str = "lake") -> DeadLetter:
    record = {"type": "registration", "globalUserId": f"fan-{position}"}
    deadletters.store(consumer, "input", [StreamRecord(position, 0, "campaignId: missing", record)])
    return DeadLetter.objects.latest("id")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    call_command("replay_dead_letters", *arguments, "--json")
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_the_command_replays_letters_by_number_by_consumer_or_all(capsys):
    first, second, third = dead_letter(1), dead_letter(2, "registrations"), dead_letter(3)
    assert run(capsys, str(first.pk), str(first.pk))["replayed"] == 1
    assert run(capsys, str(first.pk))["already"] == 1
    assert run(capsys, "--consumer", "registrations")["replayed"] == 1
    third.refresh_from_db()
    assert third.replayed_at is None
    assert run(capsys, "--all")["replayed"] == 1
    second.refresh_from_db()
    assert second.replayed_at is not None


def test_the_command_refuses_unknown_letters_before_it_replays_any(capsys):
    letter = dead_letter()
    with pytest.raises(SystemExit) as ended:
        call_command("replay_dead_letters", str(letter.pk), "987654", "--json")
    assert ended.value.code == 1
    assert "Dead letter 987654 does not exist" in json.loads(capsys.readouterr().out)["error"]
    letter.refresh_from_db()
    assert letter.replayed_at is None


def test_the_command_wants_to_know_which():
    with pytest.raises(CommandError):
        call_command("replay_dead_letters")
