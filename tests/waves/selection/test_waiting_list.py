"""The waiting list of a wave: what its selection says, in parts that are read alone. [W-5]"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.models import FanScore, Registrant, ScoreFile
from datalake.storage import buckets
from tests.support.waves import NOW, campaign_with, counted, person, request
from waves import actions
from waves.errors import NoWaitingList
from waves.markets import MarketSeat
from waves.models import Wave
from waves.preparation.prepare import prepare
from waves.preparation.previews import preview
from waves.selection import waiting_list
from waves.selection.waiting_list import (
    Waiting,
    WaitingList,
    member_ids,
    opened,
    place_of,
    waiting_rows,
    write_waiting_list,
)

NOON = datetime(2026, 1, 18, 12, tzinfo=UTC)
SEATS = [MarketSeat(market, market, 1, NOON, at) for at, market in enumerate(("b", "a"))]
WANTED = ([], ["a"], ["a", "b"])  # in turn; no preferences mean any market, in position order
ELIGIBLE = (("b", "a"), ("a",), ("a", "b"))


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(waiting_list, "PART", 3)
    monkeypatch.setattr(waiting_list, "AT_ONCE", 6)


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0.2, 0.5, 0.7, 0.75, 0.9]), max_size=20), st.data())
def test_w5_each_place_is_read_from_its_part_alone_also_where_scores_are_shared(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float], data: st.DataObject
) -> None:
    """S-9"""
    scores.sort(reverse=True)
    fans = [f"fan \u2028{number}\u00e9" for number in range(len(scores))]
    order = data.draw(st.permutations(range(len(scores))))
    frame = pl.DataFrame(
        {
            "global_user_id": [fans[number] for number in order],
            "band_score": [scores[number] for number in order],
            "preferences": [WANTED[number % 3] for number in order],
            "registered_at": [NOON] * len(order),
        },
        schema_overrides={
            "global_user_id": pl.String,
            "band_score": pl.Float64,
            "preferences": pl.List(pl.String),
            "registered_at": pl.Datetime("us", "UTC"),
        },
    )
    waiting = pl.Series([order.index(number) for number in range(len(order))], dtype=pl.UInt32)
    file = tmp_path_factory.mktemp("list") / "waiting.zip"
    write_waiting_list(file, frame, waiting, SEATS)
    due = [
        Waiting(place, fan, ELIGIBLE[(place - 1) % 3], score)
        for place, (fan, score) in enumerate(zip(fans, scores, strict=True), start=1)
    ]
    with file.open("rb") as content:
        found = WaitingList(content)
        assert [fan for part in found.parts() for fan in part] == due
        after = data.draw(st.integers(0, 25))
        assert found.after(after, 4) == due[after : after + 4]
        assert [found.find(each.global_user_id, each.band_score) for each in due] == due
        assert all(found.find("fan", score) is None for score in (*scores, 0.1, 0.6, 0.95))


@pytest.mark.django_db
def test_w5_a_preparation_keeps_the_list_that_its_selection_says():
    campaign = campaign_with(30, {"west": 3, "east": 2}, preferences=[["east"], [], ["west"]] * 10)
    planned = preview(request(campaign), now=NOW).planned.selection
    wave = counted(prepare(request(campaign), by=person("ann"), now=NOW).wave)
    with opened(wave) as found:
        listed = [fan for part in found.parts() for fan in part]
    assert [(fan.global_user_id, fan.place) for fan in listed] == planned.waitlist.rows()
    assert (wave.waitlist, wave.count_problems) == (len(listed), [])
    known = {fan.global_user_id: fan.markets for fan in listed}
    lowest = [known[f"fan-{number:06d}"] for number in range(3)]
    assert lowest == [("east",), ("west", "east"), ("west",)]
    third = listed[2]
    assert place_of(wave, third.global_user_id) == third
    chosen = wave.members.order_by("place").values_list("global_user_id", flat=True)
    assert (place_of(wave, chosen[0]), place_of(wave, "nobody")) == (None, None)


@pytest.mark.django_db
def test_w5_what_changes_afterwards_moves_nobody_on_the_list():
    wave = prepare(request(campaign_with(14)), by=person("ann"), now=NOW).wave
    before = list(waiting_rows(wave))
    Registrant.objects.update(preferences=["nowhere"])
    assert list(waiting_rows(wave)) == before
    columns, first, *_ = before
    assert columns == ("place", "globalUserId", "memberId", "markets", "bandScore")
    assert (first[0], first[3], len(before)) == ("1", "west|east", 1 + wave.waitlist)
    Registrant.objects.filter(global_user_id=first[1]).update(member_id="m-new")
    with opened(wave) as found:
        fans = found.after(0, 2)
    assert member_ids(wave, fans)[first[1]] == "m-new"


@pytest.mark.django_db
def test_w5_a_list_goes_with_a_reset_and_stays_with_a_cancelled_wave():
    """W-2"""
    boss = person("boss", superuser=True)
    wave = prepare(request(campaign_with(14)), by=boss, now=NOW).wave
    key = wave.waiting_key
    wave = actions.reset(wave, by=boss, reason="a test")
    assert (wave.waiting_key, wave.waitlist, buckets.scoring().exists(key)) == ("", 0, False)
    with pytest.raises(NoWaitingList, match="is not prepared"), opened(wave):
        pass
    again = prepare(request(wave.campaign), by=boss, now=NOW).wave
    actions.cancel(again, by=boss, reason="a test")
    again.refresh_from_db()
    with opened(again) as found:
        assert len(found.after(0, 50)) == again.waitlist == 4


@pytest.mark.django_db
def test_o10_w5_of_an_archived_campaign_nobody_is_told_that_they_are_not_on_the_waiting_list():
    wave = prepare(request(campaign_with(14)), by=person("ann"), now=NOW).wave
    with opened(wave) as found:
        [first, *_] = found.after(0, 1)
    FanScore.objects.all().delete()
    ScoreFile.objects.update(rows_deleted_at=NOON)
    wave = Wave.objects.get()
    with pytest.raises(NoWaitingList, match=r"deleted on 18 Jan 2026.* can still be paged through"):
        place_of(wave, first.global_user_id)
    with opened(wave) as found:
        assert found.after(0, 1) == [first]


@pytest.mark.django_db
def test_w5_a_list_that_is_missing_or_damaged_is_said_so():
    wave = prepare(request(campaign_with(14)), by=person("ann"), now=NOW).wave
    files = buckets.scoring()
    with files.open(wave.waiting_key) as file:
        whole = file.read()
    for content in (whole[:-30], whole.replace(b"west|east", b"east|east")):
        files.put(wave.waiting_key, io.BytesIO(content))
        with pytest.raises(NoWaitingList, match="is damaged"), opened(wave) as found:
            found.after(0, 9)
    files.delete(wave.waiting_key)
    with pytest.raises(NoWaitingList, match="is not in the scoring bucket"), opened(wave):
        pass
    Wave.objects.update(kind="uploaded")
    with pytest.raises(NoWaitingList, match="was not drawn"), opened(Wave.objects.get()):
        pass


def test_a_file_that_is_no_list_is_damaged(tmp_path: Path):
    with pytest.raises(NoWaitingList, match="is damaged"):
        WaitingList(io.BytesIO(b"PK"))
