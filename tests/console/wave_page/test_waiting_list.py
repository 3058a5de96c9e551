"""The first places of a waiting list on the page of its wave. [W-5]"""

from __future__ import annotations

from typing import Any

import pytest

from console.wave_page import waiting_list
from console.wave_page.waiting_list import first_places
from datalake.storage import buckets
from datalake.storage.objects import BucketUnreachable
from tests.console.page_cases import prepared
from tests.support.people import client_of, member_of
from waves.models import Wave
from waves.selection.waiting_list import waiting_rows

pytestmark = pytest.mark.django_db


def test_w5_the_page_of_a_wave_shows_the_first_places_masked():
    """O-5"""
    wave = prepared()
    first = list(waiting_rows(wave))[1]
    html = client_of(member_of("viewer", name="vera")).get(f"/admin/wave/{wave.name}/")
    text = html.content.decode()
    assert "First places of the waiting list" in text
    assert f">{first[1]}<" in text
    assert f">{first[2]}<" not in text
    found = first_places(wave, hidden=False)
    assert found is not None
    assert (found.fans[0]["place"], found.fans[0]["member_id"]) == (1, first[2])
    assert len(found.fans) == 5


def test_w5_the_page_of_a_wave_is_shown_without_the_places_that_cannot_be_read(monkeypatch):
    wave = prepared()
    client = client_of(member_of("viewer", name="vera"))
    buckets.scoring().delete(wave.waiting_key)
    page = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "is not in the scoring bucket. Restore it" in page

    def unreachable(*_: Any) -> None:
        raise BucketUnreachable("S3 did not do it")

    monkeypatch.setattr(waiting_list, "opened", unreachable)
    page = client.get(f"/admin/wave/{wave.name}/").content.decode()
    assert "The scoring bucket does not answer" in page
    Wave.objects.update(waiting_key="")
    assert first_places(Wave.objects.get(), hidden=True) is None
