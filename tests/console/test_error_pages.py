"""What the site says instead of a page. [O-4, S-1]"""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from campaigns.opening import close_campaign
from datalake.storage.buckets import DiskBucket
from operations.services import heartbeats
from tests.support.outages import out_of_reach
from tests.support.people import client_of, member_of
from tests.support.waves import campaign_with
from waves import alarms

pytestmark = pytest.mark.django_db


def test_a_page_that_needs_the_bucket_says_when_to_come_again(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)
    out_of_reach(monkeypatch, "proofs/")
    answer = Client().get(f"/draws/{campaign.campaign_id}/proof.zip")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "Storage can’t be reached" in answer.content.decode()


def test_a_fault_of_the_disk_stays_a_fault(monkeypatch):
    campaign = close_campaign(campaign_with(1).pk, by=None)

    def broken(*_):
        raise OSError("Input/output error")

    monkeypatch.setattr(DiskBucket, "exists", broken)
    with pytest.raises(OSError, match="Input/output"):
        Client().get(f"/draws/{campaign.campaign_id}/proof.zip")


HTML = {"Accept": "text/html,application/xhtml+xml"}


def looker(role: str = "viewer") -> Client:
    client = client_of(member_of(role))
    client.raise_request_exception = False
    return client


def test_an_error_page_stands_inside_the_site_for_people_and_alone_for_strangers():
    inside = looker().get("/admin/campaign/nowhere/")
    assert (inside.status_code, "Registration files" in inside.content.decode()) == (404, True)
    outside = Client().get("/draws/nowhere")
    html = outside.content.decode()
    assert (outside.status_code, "Page not found" in html) == (404, True)
    assert "/admin/" not in html
    assert "script-src 'none'" in outside.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/admin/stop-all/", 403, "do not have permission"),
        ("/admin/now/?a=%00", 400, "the text contains a NUL"),
        ("/admin/wave/x/approve/", 405, "used by a button or a form"),
    ],
)
def test_what_is_refused_is_said_on_a_page_of_the_site(path, status, says):
    client = looker("viewer" if status == 403 else "approver")
    answer = client.post(path, headers=HTML) if status == 403 else client.get(path, headers=HTML)
    html = answer.content.decode()
    assert (answer.status_code, "Registration files" in html) == (status, True)
    assert says in html
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_machine_gets_its_line_of_text_and_no_page():
    answer = looker().get("/admin/now/?a=%00")
    assert (answer.status_code, answer.content.decode().count("\n")) == (400, 1)


def test_a_form_that_is_too_large_is_413_with_a_way_on(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = looker().post("/admin/find/", {"fan": "x" * 100}, headers=HTML)
    assert (answer.status_code, "too large" in answer.content.decode()) == (413, True)


def test_a_form_without_its_token_says_that_it_has_expired():
    client = Client(enforce_csrf_checks=True)
    client.force_login(member_of("viewer"), backend="django.contrib.auth.backends.ModelBackend")
    assert "blocks cookies" in client.post("/admin/find/", headers=HTML).content.decode()
    client.get("/admin/find/")
    answer = client.post("/admin/find/", headers=HTML)
    assert (answer.status_code, "has expired" in answer.content.decode()) == (403, True)


def broken(*_args, **_more):
    raise ZeroDivisionError


def test_a_fault_shows_its_correlation_id_and_the_navigation(monkeypatch):
    monkeypatch.setattr(heartbeats, "services", broken)
    shown = looker("administrator").get(
        "/admin/now/", headers=HTML | {"X-Correlation-ID": "on-the-screenshot"}
    )
    html = shown.content.decode()
    assert (shown.status_code, "Registration files" in html) == (500, True)
    assert "on-the-screenshot" in html


def test_the_page_of_a_fault_needs_no_database(monkeypatch):
    def away(*_args, **_more):
        raise OperationalError("the database is away")

    client = looker()
    monkeypatch.setattr(CursorWrapper, "execute", away)
    answer = client.get("/admin/now/", headers=HTML | {"X-Correlation-ID": "on-the-screenshot"})
    html = answer.content.decode()
    assert (answer.status_code, "on-the-screenshot" in html) == (500, True)
    assert "Registration files" not in html


def test_a_fault_in_the_frame_of_every_page_still_ends_in_a_page(monkeypatch):
    monkeypatch.setattr(alarms, "standing", broken)
    answer = looker().get("/admin/find/", headers=HTML)
    html = answer.content.decode()
    assert (answer.status_code, "Something went wrong" in html) == (500, True)
