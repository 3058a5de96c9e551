"""Forms and addresses that providers post, read within bounds. [N-3]"""

from __future__ import annotations

import pytest

from operations.errors import BadValue
from tests.waves.receipts.posting import posted
from waves.providers.posted import MOST_FIELDS

FORM = "application/x-www-form-urlencoded"


def form(body: bytes, content_type: str = FORM) -> dict[str, str]:
    return posted(body, content_type=content_type).form()


def test_n3_a_form_is_read_with_its_empty_fields_and_its_utf_8():
    assert form(b"To=%2B12025550100&Body=caf%C3%A9+x&Error=", f"{FORM}; charset=UTF-8") == {
        "To": "+12025550100",
        "Body": "café x",
        "Error": "",
    }


def test_n3_an_address_is_read_as_a_form_is():
    request = posted(b"", address="https://presale.example/receipts/x?key=k%201&wave=")
    assert request.query() == {"key": "k 1", "wave": ""}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "^body: it is empty"),
        (b"a=\xff", "^body: it is not a form"),
        (b"a=%ff", "^body: it is not a form"),
        (b"a=1&" * (MOST_FIELDS + 1), "^body: it is not a form: Max number of fields"),
        (b"a=1&a=2", "^body: the field 'a' occurs twice"),
        (b"a=%00", "^a: the text contains a NUL"),
        (b"a%00=1", "^body: the text contains a NUL"),
        (b"a=%ed%a0%80", "^body: it is not a form"),  # a lone surrogate
    ],
)
def test_n3_an_odd_form_is_refused_in_one_sentence(body, says):
    with pytest.raises(BadValue, match=says):
        form(body)


def test_n3_a_body_that_is_called_something_else_is_no_form():
    with pytest.raises(BadValue, match=r"^Content-Type: it is missing"):
        form(b"a=1", content_type="")
    with pytest.raises(BadValue, match=r"^Content-Type: it is 'application/json'"):
        form(b"a=1", content_type="application/json")
