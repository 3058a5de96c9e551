"""SQL over the lake on the pages: asked, followed, shown, downloaded. [L-8, O-5, O-7]"""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.test import Client
from django.utils import timezone

from console.models import PersonalDataAccess
from console.pages.lake import queries
from datalake.errors import QueryRefused
from datalake.query import history, local
from datalake.query.local import Answer
from datalake.query.models import LakeQuery
from operations import tasks
from operations.models import Job
from tests.support.people import client_of, member_of, staff

pytestmark = pytest.mark.django_db(transaction=True)
SQL = "SELECT email, score FROM scoring WHERE email = '<b>fan@example.com'"
FOUND = Answer(
    [("email", "string"), ("score", "double")],
    [["=cmd()", 0.25], ["<i>fan@example.com", None]],
    True,
    3,
    5_000,
)


@pytest.fixture
def client(monkeypatch) -> Client:
    monkeypatch.setattr(tasks, "async_task", lambda *arguments, **options: None)
    monkeypatch.setattr(local, "run", lambda sql, **others: FOUND)
    return client_of(member_of("analyst"))


@pytest.fixture
def asked(client) -> LakeQuery:
    """A query that was asked on the page and answered by a worker."""
    client.post("/admin/lake-query/", {"sql": SQL})
    tasks.run_job(Job.objects.get(kind=history.JOB_KIND).pk)
    return LakeQuery.objects.get()


def html_of(client, address):
    return client.get(address).content.decode()


def test_a_query_is_asked_by_post_and_its_page_follows_it(client):
    answer = client.post("/admin/lake-query/", {"sql": SQL}, follow=True)
    query, job = LakeQuery.objects.get(), Job.objects.get()
    assert answer.redirect_chain[-1][0] == f"/admin/lake-query/{query.pk}/"
    html = answer.content.decode()
    assert f"/admin/job/{job.pk}/live/" in html
    assert "Waiting for a worker" in html
    assert "Cancel job" in html
    assert "&lt;b&gt;fan@example.com" in html
    assert "<b>fan" not in html


def test_the_form_has_the_tables_beside_it(client):
    html = html_of(client, "/admin/lake-query/")
    assert all(f">{name}</span>" in html for name in ("scoring", "demand", "partition_date"))
    assert "at most 120 seconds" in html
    assert 'maxlength="20000"' in html


def test_the_form_is_that_of_athena_where_it_is_configured(client, settings):
    settings.ATHENA_WORKGROUP = "analysts"
    html = html_of(client, "/admin/lake-query/")
    assert "One SELECT statement for Athena" in html
    assert ">month</span>" in html


def test_an_answer_is_shown_with_what_was_read(client, asked):
    html = html_of(client, f"/admin/lake-query/{asked.pk}/")
    assert "2 rows" in html
    assert "more rows than the limit" in html
    assert "read 3 files" in html
    assert '<td>=cmd()</td><td class="fw-number">0.25</td>' in html
    assert '<td>&lt;i&gt;fan@example.com</td><td class="fw-number"></td>' in html
    assert re.search('<th scope="col" title="double" class="fw-number">score</th>', html)


def test_who_opens_the_result_of_somebody_else_is_logged(client, asked):
    """[O-5]"""
    address = f"/admin/lake-query/{asked.pk}/"
    html_of(client, address)
    assert not PersonalDataAccess.objects.exists()
    html_of(client_of(member_of("analyst", name="ana")), address)
    access = PersonalDataAccess.objects.get()
    assert (access.user.username, access.subject) == ("ana", f"lake query {asked.pk}")


def test_a_long_answer_is_cut_on_the_page(client, asked, monkeypatch):
    monkeypatch.setattr(queries, "SHOWN_ROWS", 1)
    html = html_of(client, f"/admin/lake-query/{asked.pk}/")
    assert "The first 1 rows are shown. The download has all 2." in html
    assert "=cmd()" in html
    assert "&lt;i&gt;fan" not in html


def test_a_refusal_is_shown_with_the_query_to_correct(client, monkeypatch):
    def refuse(sql, **others):
        raise QueryRefused("No field named nope.")

    monkeypatch.setattr(local, "run", refuse)
    client.post("/admin/lake-query/", {"sql": "SELECT nope"})
    tasks.run_job(Job.objects.get().pk)
    html = html_of(client, f"/admin/lake-query/{LakeQuery.objects.get().pk}/")
    assert "No field named nope." in html
    assert ">SELECT nope</textarea>" in html
    assert "Download CSV" not in html


def test_what_is_no_query_is_refused_on_the_page_and_stays_in_the_form(client):
    """[C-2]"""
    answer = client.post("/admin/lake-query/", {"sql": f"SELECT 1{' ' * 20_000}"})
    assert "At most 20,000" in str(next(iter(answer.context["messages"])))
    assert "SELECT 1" in answer.content.decode()
    assert not LakeQuery.objects.exists()


def test_the_history_says_who_asked_what_and_leads_to_it(client, asked):
    html = html_of(client, "/admin/lake-query/")
    assert "by analyst-person" in html
    assert "&lt;b&gt;fan@example.com" in html
    assert ">2+</td>" in html
    again = html_of(client, f"/admin/lake-query/?again={asked.pk}")
    assert "&lt;b&gt;fan@example.com&#x27;</textarea>" in again


@pytest.mark.parametrize("number", ["x", "²", "9" * 30, "-1", "999999"])
def test_a_number_that_no_query_has_is_ignored(client, number):
    assert client.get("/admin/lake-query/", {"again": number, "before": number}).status_code == 200


def test_the_history_goes_on_by_pages(client, monkeypatch):
    monkeypatch.setattr(queries, "PER_PAGE", 2)
    by = staff("ana")
    made = [LakeQuery.objects.create(sql=f"SELECT {n}", by=by, state="stopped") for n in range(3)]
    html = html_of(client, "/admin/lake-query/")
    assert f"?before={made[1].pk}" in html
    older = html_of(client, f"/admin/lake-query/?before={made[1].pk}")
    assert f'lake-query/{made[0].pk}/"' in older
    assert f'lake-query/{made[1].pk}/"' not in older


def test_a_download_needs_a_reason_is_logged_and_escapes_formulas(client, asked):
    """[O-7]"""
    address = f"/admin/lake-query/{asked.pk}/csv/"
    refused = client.post(address, {"reason": ""}, follow=True)
    assert "Enter the reason" in str(next(iter(refused.context["messages"])))
    assert not PersonalDataAccess.objects.exists()
    answer = client.post(address, {"reason": "for the label"})
    text = b"".join(answer.streaming_content).decode()
    assert list(csv.reader(io.StringIO(text))) == [
        ["email", "score"],
        ["'=cmd()", "0.25"],
        ["<i>fan@example.com", ""],
    ]
    access = PersonalDataAccess.objects.get()
    assert (access.what, access.subject, access.reason) == (
        "exported",
        f"lake query {asked.pk}",
        "for the label",
    )


def test_a_result_that_is_no_longer_kept_is_said(client, asked):
    history.forget_answers(timezone.now() + history.KEPT_FOR)
    assert "Results are deleted after 24 hours" in html_of(client, f"/admin/lake-query/{asked.pk}/")
    answer = client.post(f"/admin/lake-query/{asked.pk}/csv/", {"reason": "too late"}, follow=True)
    assert "no longer kept" in str(next(iter(answer.context["messages"])))
    assert not PersonalDataAccess.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
def test_other_roles_see_neither_queries_nor_results(client, asked, role):
    """[O-5]"""
    other = client_of(member_of(role))
    assert "/admin/lake-query/" not in html_of(other, "/admin/")
    addresses = ["/admin/lake-query/", f"/admin/lake-query/{asked.pk}/"]
    assert [other.get(address).status_code for address in addresses] == [403, 403]
    assert other.post(f"{addresses[1]}csv/", {"reason": "curious"}).status_code == 403
    assert other.post(addresses[0], {"sql": SQL}).status_code == 403
