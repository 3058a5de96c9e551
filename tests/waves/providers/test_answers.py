"""What is read out of an answer. [N-3]"""

from __future__ import annotations

import pytest

from waves.providers.answers import BACK_OFF_SECONDS, Answer


@pytest.mark.parametrize(
    ("body", "document"),
    [(b'{"id": "a"}', {"id": "a"}), (b"", {}), (b"[]", {}), (b'{"id": "a"', {}), (b"\xff", {})],
)
def test_what_cannot_be_read_says_nothing(body, document):
    assert Answer(200, "", body).document() == document


def test_n3_patience_is_what_is_asked_for_or_a_second():
    assert Answer(429, "2.5", b"").patience == 2.5
    assert Answer(429, "", b"").patience == BACK_OFF_SECONDS
