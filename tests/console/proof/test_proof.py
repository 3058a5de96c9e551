"""From the database to a proof that the stand-alone checker accepts, and what the public sees on
the way.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns import rule_changes
from campaigns.draw import Draw
from campaigns.errors import UnknownCampaign, WrongStatus
from campaigns.models import Campaign, ListEntry, Registrant
from campaigns.rule_changes import options_of
from console.proof import proof
from datalake.storage import buckets
from tests.console.proof.presale_cases import (
    FANS,
    add_late_scores,
    close,
    more_seats,
    prepare_and_send,
    presale,
    really_sent,
    sent,
    verify,
)
from tests.support.waves import NOTIFY, NOW, SALT, SEED, add_scores, campaign_with, person
from waves.actions import cancel
from waves.choices import Order
from waves.models import Wave
from waves.preparation import not_selected, top_up
from waves.selection import planned_selection

pytestmark = pytest.mark.django_db


def everything(made: dict[str, Any]) -> bytes:
    with zipfile.ZipFile(made["bundle"]) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def test_a_closed_campaign_is_proved_wave_by_wave() -> None:
    """Two score files, three waves in three orders: scores, rosters, members, places and cut-offs
    all hold. [S-10, W-5]
    """
    campaign = presale()
    waves = [sent(campaign, "20260121")]
    add_late_scores(
        campaign,
        [f"fan-{number:06d}" for number in range(10, 70)],
        [0.96 - n / 100 for n in range(60)],
    )
    waves.append(sent(campaign, "20260122", order=Order.BY_MARKET_ORDER))
    waves.append(sent(campaign, "20260122-2", single_market="east", min_score=0.5))
    close(campaign)
    found = verify(proof.proof_bundle(campaign.campaign_id))
    assert found["problems"] == []
    members = sum(wave.members.count() for wave in waves)
    assert members > 20
    assert found["checked"] == {
        "files": 11,
        "attempts": 2,
        "fans": FANS + 60,
        "waves": 3,
        "members": members,
        "luck_tests": 0,
    }


def test_a_wave_is_proved_by_the_rules_that_it_was_prepared_by() -> None:
    """S-16"""
    campaign = presale()
    wave = sent(campaign, "20260121")
    before = options_of(campaign.pk)
    Campaign.objects.filter(pk=campaign.pk).update(min_score=0.9)
    campaign.markets.update(name="Renamed", capacity=50, position=F("position") + 1)
    rule_changes.record(campaign, before, by=None, reason="for the next file")
    close(campaign)
    assert verify(proof.proof_bundle(campaign.campaign_id))["problems"] == []
    shown = proof.public_draw(Campaign.objects.get())
    assert [(market["name"], market["capacity"]) for market in shown["waves"][0]["markets"]] == [
        ("West", 6),
        ("East", 4),
    ]
    assert wave.least_score == 0.35
    # names judge nobody: their changes are listed in the campaign's history, not in public
    assert "name" not in {change["rule"] for change in shown["rule_changes"]}
    listed = shown["rule_changes"][0]
    assert (listed["rule"], listed["before"], listed["after"], listed["reason"]) == (
        "minimum score",
        "0.35",
        "0.9",
        "for the next file",
    )


def test_a_wave_that_reassigns_is_proved_and_says_so_in_public() -> None:
    """Who comes once more, and with which market, follows from the waves before. [W-6, S-10]"""
    campaign = presale()
    first = really_sent(campaign, "20260121")
    more_seats(campaign, 2)
    again = really_sent(campaign, "20260122", reassign=True)
    close(campaign)
    assert again.members.filter(reassigned__isnull=False).count() == first.members.count()
    made = proof.proof_bundle(campaign.campaign_id)
    shown = proof.public_draw(Campaign.objects.get())["waves"]
    assert [(wave["reassign"], wave["returned"]) for wave in shown] == [(False, 0), (True, 10)]
    assert verify(made)["problems"] == []


def test_who_is_reassigned_without_being_in_an_earlier_wave_is_caught() -> None:
    """W-6, S-10"""
    campaign = presale()
    really_sent(campaign, "20260121")
    more_seats(campaign, 2)
    really_sent(campaign, "20260122", reassign=True)
    Wave.objects.filter(date_key="20260122").update(reassign=False)
    close(campaign)
    problems = verify(proof.proof_bundle(campaign.campaign_id))["problems"]
    assert any("10 fans whom an earlier wave holds are not left out" in each for each in problems)
    assert any("10 fans are said to come with a code" in each for each in problems)


@pytest.fixture
def three_kinds() -> Campaign:
    """A wave, its top-up, and a wave that tells those who are left."""
    campaign = presale()
    really_sent(campaign, "20260121")
    more_seats(campaign, 2)
    for key, ask in (("20260122", top_up.request_of), ("20260123", not_selected.request_of)):
        prepare_and_send(ask(campaign.campaign_id, key, NOTIFY))
    return campaign


def test_a_top_up_and_those_who_were_told_are_proved_public_and_find_their_place(
    three_kinds,
) -> None:
    """X-7, X-8, S-10"""
    fan = Wave.objects.get(date_key="20260123").members.get(place=3).global_user_id
    close(three_kinds)
    made = proof.proof_bundle(three_kinds.campaign_id)
    first, added, told = proof.public_draw(Campaign.objects.get())["waves"]
    assert (first["tops_up"], added["tops_up"]) == (None, "20260121")
    assert (added["selected"], told["kind"]) == (4, "not_selected")
    assert told["excluded"]["already_in_wave"] == 14
    assert told["fans"] + sum(told["excluded"].values()) == FANS
    found = verify(made, "--fan", Draw(three_kinds.campaign_id, SEED, SALT).fan_ref(fan))
    assert found["problems"] == []
    assert f"Wave 20260123: {told['fans']} candidates, all of them told" in str(found["passed"])
    last = found["fan"]["score_files"][0]["waves"][-1]
    assert (last["why_not"], last["waitlist_place"]) == ("told_not_selected", 3)
    page = Client().get(f"/draws/{three_kinds.campaign_id}").content.decode()
    cards = {card[:8]: card for card in page.split("<h3>Wave ")[1:]}
    assert "tops up wave 20260121" in cards["20260122"]
    assert f"A message to the {told['fans']} fans who were not selected." in cards["20260123"]
    assert "<table>" not in cards["20260123"]


@pytest.mark.parametrize(
    ("forgotten", "says"),
    [(False, ""), (True, "fans whom an earlier wave holds are not left out of it")],
)
def test_whom_a_wave_told_before_it_was_cancelled_no_later_wave_may_select(
    three_kinds, monkeypatch, forgotten, says
) -> None:
    """X-8, S-10"""
    Wave.objects.filter(date_key="20260123").update(state="triggered")
    cancel(Wave.objects.get(date_key="20260123"), by=person("pat"), reason="wrong text")
    late = Registrant.objects.filter(campaign=three_kinds, preferences=[]).earliest("pk")
    late.pk, late.global_user_id = None, f"fan-{FANS - 1:06d}"
    late.save()
    if forgotten:
        monkeypatch.setattr(planned_selection, "cancelled_that_told", lambda _: [])
    sent(three_kinds, "20260124")
    close(three_kinds)
    problems = verify(proof.proof_bundle(three_kinds.campaign_id))["problems"]
    assert any(says in each for each in problems) if says else problems == []


def test_a_top_up_or_not_selected_wave_that_says_otherwise_is_caught(three_kinds) -> None:
    """X-7, X-8, S-10"""
    wrong: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("20260122", {"order": "by_market_order"}, "its order is not that of the wave"),
        ("20260122", {"least_score": 0.36}, "its minimum is not that of the wave"),
        ("20260123", {"selected": 3}, "candidates, waitlist or selected miscounted"),
        ("20260123", {"excluded": {}}, "the fans left out, by reason, are miscounted"),
    )
    for key, change, says in wrong:
        assert any(says in each for each in problems_of(three_kinds, key, **change)), says
    assert problems_of(three_kinds, "20260122", kind="drawn", tops_up=None) == []


def problems_of(campaign: Campaign, key: str, **change: Any) -> list[str]:
    """What the checker finds where a wave says otherwise; then all is as it was."""
    with transaction.atomic():
        Wave.objects.filter(campaign=campaign, date_key=key).update(**change)
        close(campaign)
        problems: list[str] = verify(proof.proof_bundle(campaign.campaign_id))["problems"]
        transaction.set_rollback(True)
    return problems


def test_a_wave_that_passed_somebody_over_is_caught() -> None:
    """The database itself may have been tampered with after the selection. [S-10]"""
    campaign = presale()
    wave = sent(campaign, "20260121")
    wave.members.order_by("place")[:1].get().delete()
    close(campaign)
    problems = verify(proof.proof_bundle(campaign.campaign_id))["problems"]
    assert any("member 1 is" in problem for problem in problems)


def test_the_proof_outlives_changes_of_contacts_lists_and_wishes() -> None:
    """Who was a candidate is kept with the preparation, what they asked for with the roster.
    [S-10, W-5]
    """
    campaign = presale()
    sent(campaign, "20260121")
    Registrant.objects.filter(campaign=campaign, global_user_id__lt="fan-000030").update(
        email="", phone="", preferences=["east"]
    )
    ListEntry.objects.create(campaign=campaign, kind="blacklist", pattern="@example.com")
    close(campaign)
    found = verify(proof.proof_bundle(campaign.campaign_id))
    assert found["problems"] == []


def test_a_fan_who_was_no_candidate_learns_why() -> None:
    """As far as it can be told without personal data. [S-10]"""
    campaign = presale()
    sent(campaign, "20260121", min_score=0.4)
    close(campaign)
    made, draw = proof.proof_bundle(campaign.campaign_id), Draw(campaign.campaign_id, SEED, SALT)

    def why(fan: str) -> str:
        return str(
            verify(made, "--fan", draw.fan_ref(fan))["fan"]["score_files"][0]["waves"][0]["why_not"]
        )

    assert why(f"fan-{FANS - 1:06d}") == "not_registered"
    assert why("fan-000000") == "below_minimum_score"
    assert why("fan-000064") == "no_market_wanted"


def test_the_bundle_names_nobody() -> None:
    """No id, e-mail, phone, member id or code, and not the salt. [S-10]"""
    campaign = presale()
    wave = sent(campaign, "20260121")
    close(campaign)
    packed = everything(proof.proof_bundle(campaign.campaign_id))
    codes = [code.encode() for code in wave.members.values_list("code", flat=True)]
    for private in (
        b"fan-0000",
        b"example.com",
        b"+1206",
        b"m-1\t",
        SALT.hex().encode(),
        *filter(None, codes),
    ):
        assert private not in packed
    assert SEED.hex().encode() in packed


def test_nothing_is_revealed_before_the_campaign_is_closed() -> None:
    """[C-2, S-8]"""
    campaign = presale()
    with pytest.raises(WrongStatus, match="stays secret"):
        proof.proof_bundle(campaign.campaign_id)
    with pytest.raises(UnknownCampaign):
        proof.proof_bundle("nowhere")
    assert not buckets.scoring().exists(proof.bundle_key(campaign.campaign_id))


def test_the_public_page_reads_no_lists_however_many_attempts_there_were() -> None:
    campaign = campaign_with(3)
    for _ in range(3):
        add_scores(campaign, ["fan-000000"], [0.5])
    with CaptureQueriesContext(connection) as asked:
        assert Client().get(f"/draws/{campaign.campaign_id}").status_code == 200
    assert not [query for query in asked.captured_queries if '"rules"' in query["sql"]]
    assert len(asked) < 10


def test_commands_make_and_check_the_bundle(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    campaign = presale()
    sent(campaign, "20260121")
    close(campaign)

    def run(*arguments: str) -> dict[str, Any]:
        out = io.StringIO()
        call_command(*arguments, "--json", stdout=out)
        return dict(json.loads(out.getvalue().splitlines()[-1]))

    made = run("proof_bundle", campaign.campaign_id)
    fan_ref = Draw(campaign.campaign_id, SEED, SALT).fan_ref("fan-000060")
    found = run(
        "verify_draw", made["bundle"], "--fan", fan_ref, "--commitment", campaign.commitment
    )
    assert found["ok"]
    assert found["fan"]["fan_ref"] == fan_ref
    forged = tmp_path / "forged.zip"
    forged.write_bytes(Path(made["bundle"]).read_bytes()[:-1])
    for wrong in (forged, tmp_path / "none.zip"):
        out = io.StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("verify_draw", str(wrong), "--json", stdout=out)
        assert ended.value.code == 1
        assert json.loads(out.getvalue().splitlines()[-1])["error"]


class TestPage:
    """`/draws/{campaign_id}`: for anybody, at any time. [X-2]"""

    @pytest.fixture
    def get(self, client: Client) -> Callable[..., Any]:
        return lambda campaign, path="": client.get(f"/draws/{campaign.campaign_id}{path}")

    def test_a_draft_has_no_page(self, get: Callable[..., Any]) -> None:
        campaign = Campaign.objects.create(campaign_id="secret-plans", name="Secret")
        for path in ("", "/", "/draw.json", "/proof.zip"):
            assert get(campaign, path).status_code == 404

    def test_an_open_campaign_shows_commitment_and_attempts_and_keeps_its_secrets(
        self, get: Callable[..., Any]
    ) -> None:
        """[S-8, S-10]"""
        times = {"entropy_public_at": NOW, "entropy_entered_at": NOW}
        campaign = presale(entropy_source="drand round 5551234", entropy_value="8a1f", **times)
        page, numbers = get(campaign), get(campaign, "/draw.json")
        file = campaign.active_score_file
        assert file is not None
        for public in (
            campaign.commitment,
            "drand round 5551234",
            "8a1f",
            file.sha256,
            file.roster_digest,
            file.rules_digest,
            "Locked since",
        ):
            assert public in page.content.decode()
        assert {numbers.json()["commitment"], numbers.json()["attempts"][0]["roster_digest"]} == {
            campaign.commitment,
            file.roster_digest,
        }
        for answer in (page, numbers):
            for secret in (SEED.hex(), SALT.hex(), "example.com", "fan-0000"):
                assert secret not in answer.content.decode()
        assert get(campaign, "/proof.zip").status_code == 404

    def test_a_closed_campaign_shows_seed_waves_and_proof(
        self, get: Callable[..., Any], tmp_path: Path
    ) -> None:
        """What was kept while it was sealed anchors the proof that is downloaded later. [S-8,
        S-10]
        """
        campaign = presale()
        sent(campaign, "20260121")
        (tmp_path / "draw.json").write_bytes(get(campaign, "/draw.json").content)
        campaign = close(campaign)
        assert "The proof will be published here soon" in get(campaign).content.decode()
        made = proof.proof_bundle(campaign.campaign_id)
        page = get(campaign).content.decode()
        for public in (SEED.hex(), "Wave 20260121", "West", "Revealed", made["sha256"]):
            assert public in page
        (tmp_path / "proof.zip").write_bytes(
            b"".join(get(campaign, "/proof.zip").streaming_content)
        )
        assert (
            verify(
                {"bundle": str(tmp_path / "proof.zip")}, "--published", str(tmp_path / "draw.json")
            )["problems"]
            == []
        )

    def test_x2_the_proof_comes_with_shards_whose_root_is_on_the_page(
        self, get: Callable[..., Any]
    ) -> None:
        """And `draw.json` among them is the bundle's own."""
        campaign = presale()
        sent(campaign, "20260121")
        campaign = close(campaign)
        made = proof.proof_bundle(campaign.campaign_id)
        root = get(campaign, "/draw.json").json()["proof"]["shards_root"]
        index = get(campaign, f"/shards/{root[:16]}/index.json").content
        assert hashlib.sha256(index).hexdigest() == root
        with zipfile.ZipFile(made["bundle"]) as archive:
            assert json.loads(archive.read("manifest.json"))["shards_root"] == root
            draw = archive.read("draw.json")
        assert get(campaign, f"/shards/{root[:16]}/draw.json").content == draw
        assert json.loads(index)["draw"] == hashlib.sha256(draw).hexdigest()
        names = [section["name"] for section in json.loads(index)["sections"]]
        assert names == ["fans-1", "order-20260121"]

    def test_a_supplied_draw_says_so(self, get: Callable[..., Any]) -> None:
        """[S-8]"""
        assert "A rehearsal." not in get(presale()).content.decode()
        assert "A rehearsal." in get(presale(draw_supplied=True)).content.decode()

    def test_it_runs_no_script_and_changes_nothing(
        self, get: Callable[..., Any], client: Client
    ) -> None:
        campaign = presale()
        page = get(campaign)
        assert "<script" not in page.content.decode()
        assert "style=" not in page.content.decode()
        assert "sessionid" not in page.cookies
        assert client.post(f"/draws/{campaign.campaign_id}").status_code == 405

    def test_names_are_escaped(self, get: Callable[..., Any]) -> None:
        campaign = presale()
        Campaign.objects.filter(pk=campaign.pk).update(name="<b>Tour</b>", artist="<i>")
        assert "<b>Tour" not in get(campaign).content.decode()
