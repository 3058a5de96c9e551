"""The public page of a draw."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign
from campaigns.opening import close_campaign
from console.proof import pages
from datalake.storage import buckets
from datalake.storage.buckets import DiskBucket
from operations.jobs import record_move
from tests.support.outages import out_of_reach
from tests.support.people import client_of, member_of
from tests.support.waves import NOTIFY, add_scores, campaign_with
from waves.choices import Exclusion
from waves.lifecycle import subject_of
from waves.models import Wave, WaveMarket

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(member_of("operator"))


def test_the_public_page_of_a_draw_may_run_no_script(client):
    campaign = campaign_with(1)
    policy = Client().get(f"/draws/{campaign.campaign_id}").headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy


def test_s10_the_page_shows_what_it_knows_while_the_bucket_is_away(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)
    address = f"/draws/{campaign.campaign_id}"
    assert "will be published here soon" in Client().get(address).content.decode()
    out_of_reach(monkeypatch, "proofs/")
    shown = Client().get(address)
    assert (shown.status_code, campaign.commitment in shown.content.decode()) == (200, True)
    assert "proof can’t be reached right now" in shown.content.decode()
    assert Client().get(f"{address}/draw.json").status_code == 200


def test_s10_before_the_draw_is_revealed_the_page_asks_nothing_of_the_bucket(monkeypatch):
    campaign = campaign_with(1)
    monkeypatch.delattr(DiskBucket, "open")
    shown = Client().get(f"/draws/{campaign.campaign_id}").content.decode()
    assert "Save the numbers on this page" in shown


def add_wave(campaign: Campaign, date_key: str) -> None:
    wave = Wave.objects.create(
        campaign=campaign,
        date_key=date_key,
        name=f"{campaign.campaign_id}.{date_key}",
        notify_date=NOTIFY,
        state="completed",
        score_file=campaign.score_files.latest("attempt"),
    )
    for market in campaign.markets.all():
        WaveMarket.objects.create(
            wave=wave, market=market, name="A", capacity=5, room=5, selection_time=NOTIFY
        )


def queries_of(address: str) -> list[str]:
    with CaptureQueriesContext(connection) as asked:
        assert Client().get(address).status_code == 200
    return [query["sql"] for query in asked.captured_queries]


@pytest.mark.parametrize("path", ["", "/draw.json"])
def test_x2_a_strangers_request_takes_as_many_queries_for_ten_files_and_waves_as_for_one(path):
    """And loads neither the lists of files nor what waves sent. [S-10]"""
    campaign = campaign_with(3)
    address = f"/draws/{campaign.campaign_id}{path}"
    add_wave(campaign, "20260121")
    Campaign.objects.filter(pk=campaign.pk).update(status="closed")
    few = queries_of(address)
    for day in range(22, 26):
        add_scores(campaign, ["fan-000000"], [0.5])
        add_wave(campaign, f"202601{day}")
    many = queries_of(address)
    assert len(many) == len(few) <= 8
    loaded = " ".join(many)
    for heavy in ("rules", "fairness", "dry_run", "content", "status_content"):
        assert f'"{heavy}"' not in loaded, heavy


@pytest.mark.parametrize("path", ["", "/draw.json"])
def test_x2_a_page_that_has_not_changed_is_not_sent_again(path):
    campaign = campaign_with(1)
    address = f"/draws/{campaign.campaign_id}{path}"
    first = Client().get(address)
    assert "Cookie" not in first.headers.get("Vary", "")
    assert set(first.headers["Cache-Control"].split(", ")) == {"public", "max-age=0", "s-maxage=10"}
    again = Client().get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    policies = {answer.headers["Content-Security-Policy"] for answer in (first, again)}
    assert len(policies) == 1
    Campaign.objects.filter(pk=campaign.pk).update(name="Another name")
    changed = Client().get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_s10_a_proof_is_read_piece_by_piece_and_not_sent_to_who_has_it(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)
    buckets.scoring().put(f"proofs/{campaign.campaign_id}.zip", b"zip" * 100_000)
    buckets.scoring().put(f"proofs/{campaign.campaign_id}.zip.sha256", b"ab" * 32)
    address = f"/draws/{campaign.campaign_id}/proof.zip"
    first = Client().get(address)
    pieces = [len(piece) for piece in first.streaming_content]
    assert (sum(pieces), max(pieces) < 100_000) == (300_000, True)
    monkeypatch.setattr(DiskBucket, "exists", None)
    again = Client().get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_o7_one_client_that_asks_too_often_is_told_to_wait_and_others_are_served(monkeypatch):
    campaign = campaign_with(1)
    clock = iter(range(1_000_000))
    monkeypatch.setattr(pages.PAGES, "_clock", lambda: next(clock) / 1_000_000)
    answers = [Client().get(f"/draws/{campaign.campaign_id}") for _ in range(101)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    refused = answers[-1]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "no-store" in refused.headers["Cache-Control"]
    with CaptureQueriesContext(connection) as asked:
        Client().get(f"/draws/{campaign.campaign_id}/draw.json")
    assert len(asked) == 0
    other = Client(REMOTE_ADDR="192.0.2.7")
    assert other.get(f"/draws/{campaign.campaign_id}").status_code == 200


def published(campaign: Campaign) -> str:
    """A closed campaign's shards, and a bundle; returns the address of `index.json`."""
    root = "ab" * 32
    close_campaign(campaign.pk, by=None)
    key = f"proofs/{campaign.campaign_id}"
    buckets.scoring().put(f"{key}.zip.sha256", f"{'cd' * 32}\n{root}\n".encode())
    buckets.scoring().put(f"{key}/shards/{root[:16]}/index.json", b"{}")
    buckets.scoring().put(f"{key}/shards/{root[:16]}/fans-1/0.tsv", b"line")
    return f"/draws/{campaign.campaign_id}/shards/{root[:16]}/index.json"


def test_x2_shards_are_kept_for_ever_ask_no_database_and_set_no_cookie():
    index = published(campaign_with(1))
    with CaptureQueriesContext(connection) as asked:
        answer = Client().get(index)
        shard = Client().get(index.replace("index.json", "fans-1/0.tsv"))
    assert (answer.content, shard.content, len(asked)) == (b"{}", b"line", 0)
    for one in (answer, shard):
        assert one.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert not one.cookies
        assert "Vary" not in one.headers
    assert shard.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert Client().get(index.replace("index.json", "fans-1/1.tsv")).status_code == 404
    assert Client().post(index).status_code == 405


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../../../x.zip.sha256",
            "..%2f..%2fx",
            "index.json/",
            "INDEX.json",
            "fans-1/../index.json",
        ),
        *("fans-1/0.tsv%00", "fans-1/\u0661.tsv", "fans-1/00000000000.tsv", "other-1/0.tsv", ""),
    ],
)
def test_o7_only_names_of_shards_are_looked_up_in_the_bucket(monkeypatch, name):
    index = published(campaign_with(1))
    monkeypatch.setattr(DiskBucket, "open", None)
    answer = Client().get(index.replace("index.json", name))
    assert answer.status_code in (400, 404)


def test_x2_who_asked_for_too_many_pages_can_still_check_their_entry(monkeypatch):
    campaign = campaign_with(1)
    index, check = published(campaign), f"/draws/{campaign.campaign_id}/check"
    monkeypatch.setattr(pages.PAGES, "wait_seconds", lambda client: 3.0)
    assert {Client().get(address).status_code for address in [index, check] * 50} == {200}
    for limit in (pages.SHARDS, pages.CHECKS):
        monkeypatch.setattr(limit, "wait_seconds", lambda client: 3.0)
    assert {Client().get(address).status_code for address in (index, check)} == {429}


def test_x2_the_page_that_checks_an_entry_takes_one_query():
    campaign = campaign_with(1)
    published(campaign)
    assert len(queries_of(f"/draws/{campaign.campaign_id}/check")) == 1


def test_x2_only_the_page_that_checks_an_entry_may_run_a_script_and_only_ours():
    campaign = campaign_with(1)
    address = f"/draws/{campaign.campaign_id}/check"
    before = Client().get(address).content.decode()
    assert "when the campaign has closed and the proof is published" in before
    assert "<script" not in before
    published(campaign)
    answer = Client().get(address)
    html, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]
    assert f'data-root="{"ab" * 32}"' in html
    assert html.count("<script") == html.count("</script>") == 1
    assert "verify_draw.py" in html[html.index("<noscript>") : html.index("</noscript>")]
    for directive in ("script-src 'self'", "connect-src 'self'", "form-action 'none'"):
        assert directive in policy
    assert "unsafe" not in policy
    assert "nonce-" not in policy
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert not answer.cookies
    page = Client().get(f"/draws/{campaign.campaign_id}").content.decode()
    assert (f'href="{address}"' in page, "ab" * 32 in page, "<script" in page) == (
        True,
        True,
        False,
    )


def test_x2_check_my_entry_has_a_sentence_for_every_reason_of_exclusion_and_no_other():
    script = (settings.ROOT / "static" / "fairwave" / "check_entry.js").read_text()
    why_not = script[script.index("WHY_NOT = {") : script.index("// The result")]
    assert re.findall(r"^    (\w+): ", why_not, re.MULTILINE) == Exclusion.values


def test_x2_waves_that_gave_no_seat_and_markets_without_seats_are_named_as_such():
    campaign = campaign_with(3)
    taken_back, cancelled, sent = ("20260121", "20260122", "20260123")
    for date_key in (taken_back, cancelled, sent):
        add_wave(campaign, date_key)
    found = {wave.date_key: wave for wave in Wave.objects.all()}
    Wave.objects.exclude(date_key=sent).update(state="cancelled")
    Wave.objects.filter(date_key=sent).update(triggered_at=NOTIFY)
    WaveMarket.objects.filter(wave=found[sent]).update(room=0)
    for date_key in (taken_back, cancelled):
        moves = [("configured", "prepared"), ("prepared", "configured")] * 2
        for before, after in moves if date_key == taken_back else moves[:1]:
            record_move(subject_of(found[date_key]), before, after, by=None)
    Campaign.objects.filter(pk=campaign.pk).update(status="closed")
    html = Client().get(f"/draws/{campaign.campaign_id}").content.decode()
    cards = {card[:8]: card for card in html.split("<h3>Wave ")[1:]}
    assert "Prepared 2 times and taken back." in cards[taken_back]
    assert "<table>" not in cards[taken_back]
    assert "cancelled before any message was sent" in cards[cancelled]
    assert ("not full" in cards[cancelled], "notified from" in cards[cancelled]) == (True, False)
    assert ("no seats" in cards[sent], "notified from" in cards[sent]) == (True, True)


def test_w6_the_page_says_that_a_wave_also_took_fans_who_had_a_code():
    campaign = campaign_with(1)
    add_wave(campaign, "20260121")
    Wave.objects.update(triggered_at=NOTIFY, selected=2)
    Campaign.objects.filter(pk=campaign.pk).update(status="closed")
    address, kept = f"/draws/{campaign.campaign_id}", "2 of the selected fans kept the code"
    assert "could be selected, too" not in Client().get(address).content.decode()
    Wave.objects.update(reassign=True)
    cache.clear()
    page = Client().get(address).content.decode()
    assert "Fans who already had a code could be selected, too." in page
    assert kept in page
