"""Short codes of refusals become words where people read them. [N-3]"""

from __future__ import annotations

import pytest

from waves.providers.reasons import REASONS, reason_in_words


@pytest.mark.parametrize(
    "reason",
    [*REASONS, "http_400", "http_503", "smtp_550", "token_401", "sfmc_109106", "never_heard_of"],
)
def test_n3_no_code_is_shown_as_it_is_kept(reason):
    words = reason_in_words(reason)
    assert "_" not in words
    assert words[0].isupper()


def test_n3_a_status_is_named_and_our_request_differs_from_their_error():
    assert reason_in_words("http_400").endswith("(HTTP 400)")
    assert reason_in_words("smtp_550").endswith("(SMTP 550)")
    assert reason_in_words("token_401").endswith("(HTTP 401)")
    assert reason_in_words("sfmc_109106").endswith("(error 109106)")
    assert reason_in_words("http_400").split("(")[0] != reason_in_words("http_500").split("(")[0]
