"""Every page has the same access check: signed in, permitted, kept by no cache. [O-5]"""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from console.access import action, attempt, page, reason_of, record_access
from console.models import Access, PersonalDataAccess
from operations.errors import BadValue, Refusal
from tests.support.people import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(rf):
    """A request by somebody of the staff with just this permission."""

    def ask(method: str = "get", permission: str = "operations.view_job"):
        request = getattr(rf, method)("/admin/somewhere/")
        request.user = staff("somebody", permission)
        request.session = {}
        request._messages = FallbackStorage(request)
        return request

    return ask


def opened(request: object) -> HttpResponse:
    return HttpResponse("open")


def test_o5_a_page_opens_only_with_every_permission_it_names(asked):
    request = asked()
    assert page("operations.view_job")(opened)(request).content == b"open"
    with pytest.raises(PermissionDenied):
        page("operations.view_job", "operations.change_job")(opened)(request)


def test_o5_a_page_is_kept_by_no_cache(asked):
    assert "no-store" in page()(opened)(asked()).headers["Cache-Control"]


def test_o5_what_changes_something_cannot_be_fetched(asked):
    assert action("operations.view_job")(opened)(asked()).status_code == 405


def test_c2_a_reason_is_no_longer_than_its_column(rf):
    assert reason_of(rf.post("/", {"reason": " x" * 150})) == ("x " * 150).strip()
    with pytest.raises(BadValue, match="At most 300"):
        reason_of(rf.post("/", {"reason": "x" * 301}))


def test_o7_what_is_seen_is_logged_however_long_its_address_is():
    record_access(staff("somebody"), Access.FOUND, "x" * 301, "asked by legal")
    assert PersonalDataAccess.objects.get().subject == "x" * 300


def test_a_refusal_is_a_message_at_the_top_of_the_page_and_success_another(asked):
    def refuse() -> None:
        raise Refusal("Not now.")

    request = asked()
    assert attempt(request, refuse, back="/admin/x/#below").url == "/admin/x/"
    assert attempt(request, lambda: "Two files.", back="/admin/x/#below").url == "/admin/x/#below"
    said = [(message.level_tag, str(message)) for message in get_messages(request)]
    assert said == [("error", "Not now."), ("success", "Two files.")]
