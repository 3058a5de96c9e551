"""Whatever a campaign has gone through, who is selected is who the rules select, read one fan after
the other. [W-5]
"""

from __future__ import annotations

import os
import random

import polars as pl
import pytest

from datalake.storage import buckets
from operations.errors import Refusal
from tests.conftest import FULL
from tests.support.people import keeper
from tests.support.waves import NOTIFY
from tests.waves.selection.plain_presale import Asked, Line
from tests.waves.selection.plain_selection import Reading, Refused, read
from tests.waves.selection.random_campaigns import PLOTS, RandomCampaign
from waves.choices import Order, WaveKind
from waves.models import Wave
from waves.preparation import top_up
from waves.preparation.prepare import Preparation, prepare
from waves.preparation.previews import Preview, preview
from waves.selection.planned_selection import PlannedSelection
from waves.selection.request import WaveRequest

pytestmark = pytest.mark.django_db

PARTS, CAMPAIGNS, WAVES = (20, 25, 7) if FULL else (1, 8, 4)
WHY = "a test"
# what the campaigns of the short run come to
OUTCOMES = {
    *("prepared", "not_selected", "tops_up", "reassign", "returned", "waiting"),
    "suppressed",
    *("NoMembers", "NothingToTopUp", "WrongState", "CapacityBelowGiven"),
}


@pytest.mark.parametrize("part", range(PARTS))
def test_w5_random_campaigns_select_whom_a_plain_reading_selects(part):
    """Ties, several waves in all states, reassigned codes, single markets, market order, minimums,
    no preferences, top-ups, fans who were not selected: 8 campaigns, in the full run 500.
    [W-5, W-6, W-7, S-9, X-7, X-8]
    """
    dice = random.Random(f"{os.environ.get('FAIRWAVE_SEED', '25')} {part}")
    seen: set[str] = set()
    for nth in range(CAMPAIGNS):
        seed = dice.randrange(10**9)
        on = RandomCampaign(seed, PLOTS[nth] if nth < len(PLOTS) else ())
        for number in range(1, WAVES + 1):
            seen |= one_wave(on, f"campaign {seed}, wave {number}")
            on.something_happens()
    assert FULL or seen >= OUTCOMES, f"not drawn: {OUTCOMES - seen}"


def one_wave(on: RandomCampaign, hint: str) -> set[str]:
    """Prepared where nothing is against it, else only previewed; what it was."""
    key, asked = on.asked()
    expected = as_read(on, key, asked)
    is_wave = isinstance(expected, Reading) and bool(expected.members)
    if FULL or not is_wave:
        found = as_previewed(on, key, asked)
        check_preview(found, expected, tops_up=asked.tops_up, hint=hint)
    if isinstance(expected, str):
        return {expected}
    if not is_wave:
        return {"NoMembers"}
    done = prepare(request_of(on, key, asked), by=keeper(), now=on.now, reason=WHY)
    check_selection(done.planned, expected, hint)
    check_stored(done, expected, hint)
    check_record(on, done, expected, hint)
    on.prepared(done.wave, key, asked, expected.markets)
    return outcome_of(asked, expected)


def outcome_of(asked: Asked, expected: Reading) -> set[str]:
    words = {
        "tops_up": asked.tops_up,
        "reassign": asked.reassign,
        "returned": any(not place for _, _, place in expected.members),
        "waiting": bool(expected.waiting),
        "suppressed": "suppressed" in expected.excluded,
    }
    return {"prepared", asked.kind, *(word for word, is_so in words.items() if is_so)}


def as_read(on: RandomCampaign, key: str, asked: Asked) -> Reading | str:
    """Or why it is refused."""
    try:
        return read(on.presale, key, asked, on.now)
    except Refused as refused:
        return str(refused)


def as_previewed(on: RandomCampaign, key: str, asked: Asked) -> Preview | str:
    """Or why it is refused."""
    try:
        return preview(request_of(on, key, asked), now=on.now, by=keeper(), reason=WHY)
    except Refusal as refused:
        return type(refused).__name__


def check_preview(
    found: Preview | str, expected: Reading | str, *, tops_up: bool, hint: str
) -> None:
    """Refused for the same reason, or the same selection; one of nobody is no wave."""
    if isinstance(expected, str) or isinstance(found, str):
        assert found == expected, hint
        return
    check_selection(found.planned, expected, hint)
    refusal = type(found.refusal).__name__ if found.refusal else ""
    nobody = "NothingToTopUp" if tops_up else "NoMembers"
    assert refusal == ("" if expected.members else nobody), hint


def request_of(on: RandomCampaign, key: str, asked: Asked) -> WaveRequest:
    """A wave that was taken back is prepared again as it is stored."""
    campaign_id = on.presale.campaign_id
    if asked.tops_up:
        return top_up.request_of(campaign_id, key, NOTIFY)
    if key in on.presale.waves:
        return WaveRequest(campaign_id, key)
    if asked.kind == "not_selected":
        return WaveRequest(campaign_id, key, NOTIFY, kind=WaveKind.NOT_SELECTED)
    return WaveRequest(
        campaign_id,
        key,
        NOTIFY,
        market_file=None if asked.file is None else file_of(asked.file),
        order=Order(asked.order),
        single_market=asked.single_market or None,
        min_score=asked.min_score,
        reassign=asked.reassign,
    )


def file_of(lines: dict[str, Line]) -> bytes:
    text = ["marketId,marketName,capacity,selectionTime,codeSource"]
    for name, line in lines.items():
        closes = line.selection_time.isoformat() if line.selection_time else ""
        capacity = "" if line.capacity is None else line.capacity
        text.append(f"{name},,{capacity},{closes},{line.code_source or ''}")
    return "\n".join(text).encode()


def check_selection(planned: PlannedSelection, expected: Reading, hint: str) -> None:
    """Everything that a preview says."""
    found, said = planned.selection, planned.as_result()
    assert found.members.rows() == expected.members, hint
    assert said["markets"] == expected.results, hint
    assert said["excluded"] == expected.excluded, hint
    assert said["candidates"] == expected.candidates, hint
    waiting = [(fan, place) for place, fan in enumerate(expected.waiting, start=1)]
    assert found.waitlist.rows() == waiting, hint
    assert found.members_digest == expected.digest, hint


def check_stored(done: Preparation, expected: Reading, hint: str) -> None:
    """Everything that the wave keeps."""
    wave = Wave.objects.get(pk=done.wave.pk)
    fields = ("global_user_id", "market__market_id", "place", "email", "phone")
    stored = wave.members.order_by("id").values_list(*fields)
    members = [
        (fan, market or None, place, *expected.contacts[fan])
        for fan, market, place in expected.members
    ]
    assert list(stored) == members, hint
    names = ("market__market_id", "capacity", "given", "room", "selected", "cutoff", "wanted")
    markets = sorted(wave.wave_markets.values_list(*names))
    assert markets == sorted(tuple(market.values()) for market in expected.results), hint
    counts = (wave.candidates, wave.selected, wave.waitlist, wave.excluded, wave.members_digest)
    selected, waiting = len(expected.members), len(expected.waiting)
    assert counts == (
        *(expected.candidates, selected, waiting, expected.excluded, expected.digest),
    ), hint
    assert done.planned.moved == expected.moved, hint


def check_record(on: RandomCampaign, done: Preparation, expected: Reading, hint: str) -> None:
    """What is kept of each fan to prove the wave: who registered after the roster is marked."""
    with buckets.scoring().open(done.wave.candidates_key) as file:
        record = dict(pl.read_parquet(file.read()).iter_rows())
    late = {fan for fan, row in on.presale.scored.items() if row.rostered is None}
    late &= set(on.presale.registered)
    cells = {
        fan: f"+{cell}" if fan in late and cell[0] != "=" else cell
        for fan, cell in expected.standings.items()
    }
    assert record == cells, hint
