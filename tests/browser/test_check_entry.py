"""Check my entry, in a real browser: what the fan is told, and that nothing but files of the proof is
fetched. [X-2]
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Page, Request, expect

from campaigns.draw import Draw, draw_frame, in_order
from campaigns.models import Campaign
from campaigns.receipts import Receipts
from console.proof import shards
from datalake.storage import buckets
from tests.browser.conftest import Person
from tests.support.waves import SALT, SEED, campaign_with

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KEY, UPLOADED = "20260121", "20260128"
FANS, SEATS = 1_200, 40
LEFT_OUT = ("!registered_too_late", "!below_minimum_score", "!no_market_wanted")
IDS = [f"fan-{number:04d}-é" for number in range(FANS)]


class Proof:
    """A closed campaign with one drawn wave, which may have other values; whose file was late, if
    asked for. The first three fans are no candidates, the last of them for a reason that is wrong.
    """

    def __init__(self, folder: Path, *, late: bool = False, **wave: Any) -> None:
        folder.mkdir()
        self.campaign = campaign_with(1)
        Campaign.objects.filter(pk=self.campaign.pk).update(status="closed")
        self.draw = Draw(self.campaign.campaign_id, SEED, SALT, "8a1f")
        raw = [f"{0.3 + 0.0005 * number:.4f}" for number in range(FANS)]
        fans = pl.DataFrame({"global_user_id": IDS, "raw_text": raw}).with_columns(
            raw_score=pl.col("raw_text").cast(pl.Float64)
        )
        cells = [*LEFT_OUT, *["west"] * (FANS - len(LEFT_OUT))]
        self.fans = draw_frame(fans, self.draw).with_columns(pl.Series(KEY, cells)).sort("fan_ref")
        self.ordered = in_order(self.fans.filter(pl.col(KEY) == "west"), self.draw)
        members = self.ordered.head(SEATS).with_row_index("place", 1)
        members = members.with_columns(market_id=pl.lit("west"))
        lines = self.fans.select(
            "fan_ref", "raw_text", "band_score", pl.lit("west").alias("preferences"), KEY
        ).write_csv(separator="\t", include_header=False, quote_style="never")
        writer = shards.ShardWriter(folder, folder / "content")
        list(writer.kept(1, [KEY], [lines.encode()]))
        self.shards = writer.finish(json.dumps(self.public(late, wave)).encode(), {KEY: members})
        shards.publish(self.shards, self.campaign.campaign_id, buckets.scoring())
        published = f"{'ab' * 32}\n{self.shards.root}\n"
        key = f"proofs/{self.campaign.campaign_id}.zip.sha256"
        buckets.scoring().put(key, published.encode())

    @property
    def cutoff(self) -> float:
        return float(self.ordered["band_score"][SEATS - 1])

    def public(self, late: bool, values: dict[str, Any]) -> dict[str, Any]:
        market = {"market_id": "west", "name": "The West", "room": SEATS, "selected": SEATS}
        wave = {"date_key": KEY, "kind": "drawn", "attempt": 1, "min_score": 0.301} | values
        return {
            "campaign_id": self.campaign.campaign_id,
            "seed": self.draw.seed.hex(),
            "entropy": {"value": "8a1f"},
            "attempts": [{"attempt": 1, "late": late}],
            "waves": [
                wave | {"markets": [market | {"cutoff": self.cutoff}]},
                {"date_key": UPLOADED, "kind": "uploaded", "fans": 12},
            ],
        }

    def key_of(self, name: str) -> str:
        return shards.key_of(self.campaign.campaign_id, f"{self.shards.root[:16]}/{name}")

    def fan_at(self, place: int) -> str:
        return str(self.ordered["global_user_id"][place - 1])

    def shard_of(self, fan: str) -> str:
        bits = shards.shard_bits(FANS)
        return f"fans-1/{int(self.draw.fan_ref(fan), 16) >> (256 - bits)}.tsv"


@pytest.fixture
def proof(tmp_path: Path) -> Proof:
    return Proof(tmp_path / "shards")


def opened(person: Person, proof: Proof, fan: str, **changed: str) -> Page:
    """The link of the fan's message, as receipts make it, with what is `changed` in it."""
    link = Receipts(proof.draw, person.address).of(fan).link
    for name, value in changed.items():
        link = re.sub(rf"\b{name}=[^&]*", f"{name}={value}", link)
    person.page.goto("about:blank")
    person.page.goto(link)
    return person.page


def fill(page: Page, proof: Proof, fan: str) -> None:
    page.fill("#id", fan)
    page.fill("#ref", proof.draw.fan_ref(fan).upper())
    page.fill("#nonce", f" {proof.draw.fan_nonce(fan).hex()} ")
    page.click("main button")


def told(page: Page, heading: str) -> str:
    expect(page.locator(".answer h2")).to_have_text(heading)
    return " ".join(page.locator(".answer p").all_inner_texts())


@contextmanager
def fetched(page: Page) -> Iterator[list[Request]]:
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    yield requests


def test_x2_a_fan_learns_why_and_the_server_learns_nothing_but_which_files_are_fetched(
    sign_in: Callable[[str], Person], proof: Proof
):
    fan = sign_in("")
    chosen = proof.fan_at(7)
    with fetched(fan.page) as requests:
        page = opened(fan, proof, chosen)
        said = told(page, "You were selected")
    assert f"selected for The West in wave {KEY}, at place 7 of 1,197 candidates." in said
    assert f"Wave {UPLOADED} was an uploaded list of 12 fans, whom" in said
    assert page.url.endswith("/check")
    assert page.input_value("#id") == chosen
    sent = [f"{one.url} {one.headers} {one.post_data}" for one in requests]
    for secret in (chosen, proof.draw.fan_ref(chosen), proof.draw.fan_nonce(chosen).hex()):
        assert not any(secret in each for each in sent)
    shown = [one.url for one in requests if "/shards/" in one.url]
    assert len(shown) == len(set(shown)) == 6
    assert fan.page.context.cookies() == []
    fan.picture("check-entry")

    said = told(opened(fan, proof, proof.fan_at(500)), "Not selected")
    assert "you were at place 500 of 1,197 candidates" in said
    assert f"The last seat in The West went to the score {proof.cutoff:.6f}." in said
    said = told(opened(fan, proof, IDS[0]), "Not a candidate")
    assert "You registered after the selection for the markets you asked for." in said
    assert "checked: your reference is bound to your id and your luck and your score" in said
    assert "place" not in said
    said = told(opened(fan, proof, IDS[1]), "Not a candidate")
    assert "Your rating by the organizer is below the minimum of this wave." in said
    said = told(opened(fan, proof, IDS[2]), "The proof does not add up")
    assert f"You asked for a market of wave {KEY}" in said
    said = told(opened(fan, proof, "stranger"), "Not in the draw")
    assert f"Wave {UPLOADED} was an uploaded list of 12 fans, whom" in said
    told(opened(fan, proof, chosen, nonce="00" * 32), "These do not belong together")
    told(opened(fan, proof, chosen, ref="no"), "Something is missing")

    fill(page, proof, proof.fan_at(SEATS))
    assert f"at place {SEATS} of" in told(page, "You were selected")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, width


def test_x2_a_missing_or_changed_file_and_a_lost_connection_are_said_and_never_a_result(
    sign_in: Callable[[str], Person], proof: Proof
):
    fan, bucket, chosen = sign_in(""), buckets.scoring(), proof.fan_at(7)
    name = proof.shard_of(chosen)
    key, whole = proof.key_of(name), proof.shards.read(name)
    bucket.put(key, whole.replace(b"west", b"east"))
    assert name in told(opened(fan, proof, chosen), "A file is damaged")
    bucket.delete(key)
    assert name in told(opened(fan, proof, chosen), "A file is missing")
    bucket.put(key, whole)
    told(opened(fan, proof, chosen), "You were selected")
    fan.page.context.set_offline(True)
    fill(fan.page, proof, proof.fan_at(1_100))
    told(fan.page, "No connection")
    fan.complaints = [one for one in fan.complaints if "Failed to load resource" not in one]


def test_x2_a_cancelled_wave_gives_nobody_a_seat(sign_in: Callable[[str], Person], tmp_path: Path):
    fan = sign_in("")
    for triggered_at, sentence in (
        (None, f"Wave {KEY} was cancelled; it gave nobody a seat."),
        ("2026-01-20T12:00:00+00:00", "was cancelled after it had started. Messages may"),
    ):
        ended = Proof(tmp_path / str(triggered_at), state="cancelled", triggered_at=triggered_at)
        said = told(opened(fan, ended, ended.fan_at(7)), "Not drawn")
        assert sentence in said
        assert "Score file\n1" in fan.page.locator(".answer dl").inner_text()
        assert "You were selected" not in said


def test_x2_where_no_wave_was_drawn_the_uploaded_ones_are_still_named(
    sign_in: Callable[[str], Person], tmp_path: Path
):
    uploaded = Proof(tmp_path / "uploaded", kind="withdrawn")
    said = told(opened(sign_in(""), uploaded, uploaded.fan_at(7)), "No wave was drawn")
    assert "No fans were selected by this draw." in said
    assert f"Wave {UPLOADED} was an uploaded list of 12 fans, whom" in said


def test_x2_a_wave_from_a_late_file_says_so_and_before_the_close_the_page_says_when(
    sign_in: Callable[[str], Person], tmp_path: Path
):
    late = Proof(tmp_path / "late", late=True)
    fan = sign_in("")
    said = told(opened(fan, late, late.fan_at(7)), "You were selected")
    assert "score file 1, which is late" in said
    Campaign.objects.filter(pk=late.campaign.pk).update(status="open")
    page = fan.go(f"/draws/{late.campaign.campaign_id}/check")
    expect(page.locator("main")).to_contain_text("when the campaign has closed")
    assert page.locator("script").count() == 0
