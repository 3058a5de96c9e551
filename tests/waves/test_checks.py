"""Settings that name no provider fail `manage.py check`. [N-1]"""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize("setting", ["SMS_PROVIDER", "EMAIL_PROVIDER"])
def test_a_wrong_name_fails_the_check_with_an_id_and_the_names_there_are(settings, setting):
    setattr(settings, setting, "pigeon")
    [mistake] = run_checks(tags=["fairwave"])
    assert (mistake.id, mistake.msg) == ("waves.E001", f"{setting}: 'pigeon' is not a provider.")
    assert mistake.hint.startswith("Use one of: ")


def test_the_settings_as_they_are_pass():
    assert run_checks(tags=["fairwave"]) == []
