"""The door of the site: 400 in one line, before a session, a page or a query. [C-2]"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from fairwave.wsgi import application
from tests.support.people import client_of

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"


def answered(path: str, **environ: str) -> tuple[int, str]:
    """What the web server is given for a stranger's request: status and text."""
    statuses: list[str] = []
    request = RequestFactory().get(path).environ | environ
    body = application(request, lambda status, headers: statuses.append(status))
    return int(statuses[0].split()[0]), b"".join(body).decode()


@pytest.mark.parametrize(
    ("path", "environ", "says"),
    [
        ("/admin/wave/%00/", {}, "address"),
        (f"{LOGIN}?next=%00", {}, "'next'"),
        (f"{LOGIN}?%00=a", {}, "'\\x00'"),
        (LOGIN, {"HTTP_COOKIE": 'sessionid="\\000aaaaaaaa"'}, "Cookie 'sessionid'"),
        (f"{LOGIN}?next=a", {"CONTENT_TYPE": "text/plain; charset=undefined"}, "'undefined'"),
        (f"{LOGIN}?next=a", {"CONTENT_TYPE": "text/plain; charset=base64"}, "'base64'"),
        (f"{LOGIN}?next=a", {"CONTENT_TYPE": "text/plain; charset=\0"}, "charset"),
        (f"{LOGIN}?next=a", {"CONTENT_TYPE": "text/plain; charset*=no''a"}, "charset"),
        (f"{LOGIN}?next=%5Cud800", {"CONTENT_TYPE": "a/b; charset=unicode_escape"}, "charset"),
    ],
)
def test_a_stranger_is_told_what_is_wrong_in_one_line(path, environ, says):
    status, text = answered(path, **environ)
    assert (status, text.count("\n")) == (400, 1)
    assert says in text


def test_a_stranger_who_names_too_many_fields_is_refused_whatever_the_charset(settings):
    most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    query = "&".join(f"f{n}=" for n in range(most + 1))
    environ = {"CONTENT_TYPE": "text/plain; charset=utf-8"}
    assert answered(f"{LOGIN}?{query}", **environ)[0] == 400


def test_a_stranger_gets_no_error_of_ours_for_a_form_either():
    for data in ({"username": "a\0", "password": "x"}, {"next": "\0"}, {"\0": "a"}):
        answer = Client().post(LOGIN, data)
        assert (answer.status_code, b"NUL" in answer.content) == (400, True)


def test_a_form_is_refused_by_the_name_of_its_field_and_nothing_is_done():
    client = client_of(User.objects.create_superuser("root-like"))
    answer = client.post("/admin/stop-all/", {"reason": "a\0b"})
    assert (answer.status_code, answer.content.decode()[:9]) == (400, "'reason':")


def test_o7_a_body_that_is_signed_is_read_by_its_view_alone():
    """Who reads its fields first takes it from whoever checks the signature."""
    answer = Client().post("/receipts/sms_http", {"a": "b"})
    assert (answer.status_code, answer.json()) == (403, {"error": "bad signature"})


@pytest.mark.parametrize("charset", ["UTF-8", "utf8", "US-ASCII"])
def test_what_is_plain_utf_8_passes(charset):
    environ = {"CONTENT_TYPE": f"text/plain; charset={charset}"}
    assert answered(f"{LOGIN}?next=/admin/%C3%A9", **environ)[0] == 200
