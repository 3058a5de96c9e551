"""Which of Anymail's providers can be used with the settings as they are. [N-5]"""

from __future__ import annotations

from waves.providers.anymail.backends import path_of, what_is_missing


def test_a_backend_that_has_its_settings_can_be_used(settings):
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "p"}
    assert what_is_missing("postmark") == ""
    assert path_of("postmark") == "anymail.backends.postmark.EmailBackend"


def test_what_is_missing_is_named_without_what_is_there(settings):
    settings.ANYMAIL = {"MAILGUN_SENDER_DOMAIN": "hidden.example"}
    assert "POSTMARK_SERVER_TOKEN" in what_is_missing("postmark")
    assert "MAILGUN_API_KEY" in what_is_missing("mailgun")
    assert "hidden" not in what_is_missing("mailgun")
    assert "pigeon" in what_is_missing("pigeon")
