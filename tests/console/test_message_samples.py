"""Samples show what fans will read, with codes and contacts masked. [N-1, O-7]"""

from __future__ import annotations

import pytest

from tests.console.page_cases import prepared

pytestmark = pytest.mark.django_db


def test_samples_show_what_fans_read_with_codes_masked(client):
    wave = prepared()
    html = client.get(f"/admin/wave/{wave.name}/").content.decode()
    code = wave.members.order_by("place").first().code
    assert "What fans will read" in html
    assert code not in html
    assert code[:2] + "•" * (len(code) - 2) in html
