"""A receipt lets a fan check that the reference is bound to their id, on a page that learns neither.
[S-8, X-2]
"""

from __future__ import annotations

import csv
import hashlib
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from campaigns.draw import Draw
from campaigns.errors import NoReceipt
from campaigns.models import Campaign, Registrant
from campaigns.receipts import Receipts, receipt_of_fan, receipts_of, write_receipts
from operations.database import copying
from tests.support.campaigns import (
    SALT,
    SEED,
    import_registrations,
    make_campaign,
    process_scores,
    registration_row,
    score_file_bytes,
    score_row,
)

RECEIPTS = Receipts(Draw("tour-1", SEED, SALT), "https://presale.example")
ids = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


def registered(*fans: str) -> Campaign:
    campaign = make_campaign()
    import_registrations(
        campaign, [registration_row(at, global_user_id=fan) for at, fan in enumerate(fans, start=1)]
    )
    return campaign


def ignore(done: int, total: int) -> None:
    """Progress that nobody looks at."""


@given(ids)
def test_s8_the_nonce_opens_the_reference_to_its_own_id(fan):
    receipt = RECEIPTS.of(fan)
    opened = hashlib.sha256(bytes.fromhex(receipt.fan_nonce) + fan.encode()).hexdigest()
    assert receipt.fan_ref == opened == RECEIPTS.draw.fan_ref(fan)


@given(ids)
def test_x2_the_link_holds_all_in_its_fragment_whatever_the_id(fan):
    receipt = RECEIPTS.of(fan)
    link = urlsplit(receipt.link)
    assert (link.scheme, link.netloc, link.path) == (
        "https",
        "presale.example",
        "/draws/tour-1/check",
    )
    assert link.query == ""
    assert parse_qs(link.fragment, strict_parsing=True) == {
        "id": [fan],
        "ref": [receipt.fan_ref],
        "nonce": [receipt.fan_nonce],
    }
    assert receipt.link.isascii()


@given(st.lists(ids, max_size=5))
def test_many_receipts_are_those_of_each(fans):
    made = RECEIPTS.of_many(pl.Series("global_user_id", fans, dtype=pl.String))
    expected = [RECEIPTS.of(fan) for fan in fans]
    assert made["fan_ref"].to_list() == [receipt.fan_ref for receipt in expected]
    assert made["fan_nonce"].to_list() == [receipt.fan_nonce for receipt in expected]
    assert made["link"].to_list() == [receipt.link for receipt in expected]


def test_o5_a_masked_receipt_is_the_same_for_everybody():
    assert RECEIPTS.masked("fan-1") == RECEIPTS.masked("fan-2")
    assert RECEIPTS.masked("fan-1").link.startswith("https://presale.example/draws/tour-1/check#•")


def test_the_salt_is_in_no_text_of_the_receipts():
    assert SALT.hex() not in repr(RECEIPTS)
    assert repr(SALT) not in repr(RECEIPTS)


@pytest.mark.django_db(transaction=True)
class TestOfACampaign:
    def test_s8_a_registrant_and_a_fan_with_a_score_have_a_receipt(self, settings: Settings):
        settings.SITE_URL = "https://presale.example/"
        campaign = registered("fan-1")
        process_scores(campaign, score_file_bytes([score_row(2, global_user_id="fan-2")]))
        for fan in ("fan-1", "fan-2"):
            link = receipt_of_fan(campaign, fan).link
            assert link.startswith(
                f"https://presale.example/draws/{campaign.campaign_id}/check#id={fan}&"
            )

    def test_an_unknown_fan_and_one_of_another_campaign_have_none(self):
        registered("fan-2")
        with pytest.raises(NoReceipt, match="neither a registration nor an accepted row"):
            receipt_of_fan(registered("fan-1"), "fan-2")

    def test_s8_before_the_campaign_opens_there_is_none(self, tmp_path: Path):
        draft = make_campaign(opened=False)
        assert receipts_of(draft) is None
        with pytest.raises(NoReceipt, match="is not open yet"):
            receipt_of_fan(draft, "fan-1")
        with pytest.raises(NoReceipt, match="is not open yet"):
            write_receipts(draft, tmp_path / "all.csv", report_progress=ignore)
        assert not list(tmp_path.iterdir())

    def test_every_registrant_is_written_frame_by_frame(self, tmp_path: Path, monkeypatch):
        monkeypatch.setattr(copying, "READ_BYTES", 8)
        fans = ["fan-1", 'a "b", c', "=1+1", "ünï"]
        campaign, path = registered("fan-1", "fan-2", *fans[2:]), tmp_path / "all.csv"
        Registrant.objects.filter(global_user_id="fan-2").update(global_user_id=fans[1])
        seen: list[tuple[int, int]] = []
        written = write_receipts(campaign, path, report_progress=lambda *at: seen.append(at))
        receipts = receipts_of(campaign)
        assert receipts is not None
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert written == len(rows) == 4
        assert [row["global_user_id"] for row in rows] == fans
        for row in rows:
            receipt = receipts.of(row["global_user_id"])
            assert (row["fan_ref"], row["fan_nonce"], row["link"]) == (
                receipt.fan_ref,
                receipt.fan_nonce,
                receipt.link,
            )
        assert len(seen) > 1
        assert seen[-1] == (4, 4)

    def test_o7_only_its_owner_reads_the_file(self, tmp_path: Path):
        path = tmp_path / "all.csv"
        path.touch(mode=0o644)
        write_receipts(registered("fan-1"), path, report_progress=ignore)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_run_that_fails_leaves_the_earlier_file_and_nothing_else(self, tmp_path: Path):
        def full_disk(done: int, total: int) -> None:
            raise OSError(28, "No space left on device")

        path = tmp_path / "own" / "all.csv"
        path.parent.mkdir()
        path.write_text("earlier")
        with pytest.raises(OSError, match="No space left"):
            write_receipts(registered("fan-1"), path, report_progress=full_disk)
        assert path.read_text() == "earlier"
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("name", "said"), [("", "is not a file"), ("missing/all.csv", "does not exist")]
    )
    def test_what_is_no_file_is_left_alone(self, tmp_path: Path, name: str, said: str):
        with pytest.raises(NoReceipt, match=said):
            write_receipts(registered("fan-1"), tmp_path / name, report_progress=ignore)
        with pytest.raises(NoReceipt, match="is not a file"):
            write_receipts(registered("fan-1"), Path("/dev/null"), report_progress=ignore)
