"""The page of a campaign: opened, closed, proved. [C-2, S-8]"""

from __future__ import annotations

import pytest

from campaigns.entropy import entry
from campaigns.models import Campaign
from campaigns.opening import close_campaign
from operations import tasks
from operations.models import Job, StatusChange
from tests.campaigns.entropy.sources import time_reached
from tests.console.page_cases import a_draft, said
from tests.support.campaigns import make_campaign
from tests.support.outages import out_of_reach
from tests.support.waves import campaign_with

pytestmark = pytest.mark.django_db


def test_opening_a_draft_fixes_its_draw(client):
    campaign = a_draft("west")
    client.post("/admin/campaign/drafted/open/")
    campaign.refresh_from_db()
    assert campaign.status == "open"
    assert campaign.commitment in client.get("/admin/campaign/drafted/").content.decode()


def test_a_draft_without_markets_cannot_be_opened_and_its_page_says_so_before(client):
    """[C-2]"""
    campaign = a_draft()
    html = client.get("/admin/campaign/drafted/").content.decode()
    assert "It cannot be opened without one." in html
    assert 'action="/admin/campaign/drafted/open/"' not in html
    answer = client.post("/admin/campaign/drafted/open/", follow=True)
    assert "has no markets. Add at least one" in said(answer)[0]
    campaign.refresh_from_db()
    assert campaign.status == "draft"


def test_a_draft_is_deleted_after_its_page_said_what_goes_with_it(client):
    """[C-2]"""
    a_draft("west", "east")
    html = client.get("/admin/campaign/drafted/").content.decode()
    assert "Its 2 markets will be deleted with it." in html
    answer = client.post("/admin/campaign/drafted/delete/", follow=True)
    assert "The draft Spring Tour is deleted." in said(answer)[0]
    assert not Campaign.objects.exists()
    assert StatusChange.objects.get().to_state == "deleted"


def test_an_open_campaign_offers_no_deletion_and_refuses_it(client):
    """[C-2]"""
    campaign = campaign_with(fans=1)
    address = f"/admin/campaign/{campaign.campaign_id}/"
    assert "Delete draft" not in client.get(address).content.decode()
    answer = client.post(f"{address}delete/", follow=True)
    assert "Only a draft can be deleted" in said(answer)[0]
    assert Campaign.objects.exists()


def test_the_public_value_is_entered_once_and_never_again(client, monkeypatch, settings):
    settings.DRAND_URLS = []
    a_draft("west")
    client.post("/admin/campaign/drafted/open/")
    early = client.post("/admin/campaign/drafted/entropy/", {"value": "0f" * 32}, follow=True)
    assert "becomes public at 2115" in said(early)[-1]
    time_reached(monkeypatch, entry, Campaign.objects.get())
    client.post("/admin/campaign/drafted/entropy/", {"value": f" {'0f' * 32} "})
    second = client.post("/admin/campaign/drafted/entropy/", {"value": "0e" * 32}, follow=True)
    assert Campaign.objects.get().entropy_value == "0f" * 32
    assert "was already entered" in said(second)[-1]


def test_opening_without_a_public_source_is_confirmed_in_plain_words(client):
    """[S-8]"""
    make_campaign("bare", opened=False)
    html = client.get("/admin/campaign/bare/").content.decode()
    assert "Anyone who can read the database knows the luck of every fan" in html
    refused = client.post("/admin/campaign/bare/open/", follow=True)
    assert "confirm this with the check box" in said(refused)[-1]
    client.post("/admin/campaign/bare/open/", {"without_source": "on"})
    assert Campaign.objects.get().status == "open"
    html = client.get("/admin/campaign/bare/").content.decode()
    assert "None. Anyone who can read the database" in html


def test_the_public_source_is_moved_once_with_a_reason_and_the_page_shows_both(client):
    """[S-8]"""
    a_draft("west")
    client.post("/admin/campaign/drafted/open/")
    move, new = "/admin/campaign/drafted/source/move/", {"source": "Mega Millions", "form": "1-2"}
    refused = client.post(move, new | {"reason": "late"}, follow=True)
    assert "at least 5 characters" in said(refused)[-1]
    new |= {"reason": "The files are late", "public_at": "2090-01-20T23:00"}
    client.post(move, new)
    html = client.get("/admin/campaign/drafted/").content.decode()
    for shown in ("Mega Millions", "drand round 99551234", "The files are late", "20 Jan 2090"):
        assert shown in html
    assert f'action="{move}"' not in html
    again = client.post(move, new | {"source": "Lotto"}, follow=True)
    assert "already moved once" in said(again)[-1]


def test_the_value_of_a_round_that_is_out_is_fetched_by_a_worker(client):
    """[S-8]"""
    fetch = "/admin/campaign/bare/entropy/fetch/"
    make_campaign("bare", entropy_source="drand round 72785")
    assert f'action="{fetch}"' in client.get("/admin/campaign/bare/").content.decode()
    answer = client.post(fetch, follow=True)
    assert "being fetched" in said(answer)[-1]
    job = Job.objects.get()
    assert (job.kind, job.subject) == ("fetch_entropy", ("campaign", "bare"))
    a_draft("west")
    client.post("/admin/campaign/drafted/open/")
    page = "/admin/campaign/drafted/"
    assert "/fetch/" not in client.get(page).content.decode()
    assert "becomes public at 2115" in said(client.post(f"{page}entropy/fetch/", follow=True))[-1]


def test_a_refusal_is_a_message_on_the_page_and_nothing_changed(client):
    campaign = campaign_with(fans=1)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/open/", follow=True)
    assert "Only a draft can be opened" in said(answer)[0]
    assert not StatusChange.objects.exists()


def test_closing_reveals_the_draw_and_has_the_proof_written(client):
    campaign = campaign_with(fans=1)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/close/", follow=True)
    job = Job.objects.get()
    assert (job.kind, job.subject) == ("make_proof", ("campaign", campaign.campaign_id))
    assert "Create proof" in answer.content.decode()
    tasks.run_job(job.pk)
    html = client.get(f"/admin/campaign/{campaign.campaign_id}/").content.decode()
    assert f"/draws/{campaign.campaign_id}/proof.zip" in html


def test_a_proof_is_refused_while_the_campaign_is_open(client):
    campaign = campaign_with(fans=1)
    answer = client.post(f"/admin/campaign/{campaign.campaign_id}/prove/", follow=True)
    assert "can be created after" in said(answer)[0]
    assert not Job.objects.exists()


def test_the_page_shows_what_it_knows_while_the_bucket_is_away(client, monkeypatch):
    """[S-10] And offers no new proof: there may be one."""
    campaign = close_campaign(campaign_with(fans=1).pk, by=None)
    address = f"/admin/campaign/{campaign.campaign_id}/"
    assert "Create the proof" in client.get(address).content.decode()
    out_of_reach(monkeypatch, "proofs/")
    html = client.get(address).content.decode()
    assert "The scoring bucket can’t be reached right now." in html
    assert "Create the proof" not in html


def test_c2_a_closed_campaign_is_archived_by_a_job_with_a_reason_and_the_right(client, viewer):
    campaign = close_campaign(campaign_with(fans=1).pk, by=None)
    page, act = f"/admin/campaign/{campaign.campaign_id}/", "archive/"
    assert f'action="{page}{act}"' in client.get(page).content.decode()
    assert f'action="{page}{act}"' not in viewer.get(page).content.decode()
    assert viewer.post(page + act, {"reason": "over"}).status_code == 403
    assert "Enter why" in said(client.post(page + act, {"reason": " "}, follow=True))[0]
    answer = client.post(page + act, {"reason": "the tour is over"}, follow=True)
    assert "are being checked" in said(answer)[-1]
    job = Job.objects.get()
    assert (job.kind, job.subject) == ("archive_campaign", ("campaign", campaign.campaign_id))
    tasks.run_job(job.pk)
    html = client.get(page).content.decode()
    assert "It was not created yet" in html
    assert "the tour is over" in html
