"""The files of a period, page by page. [L-4]"""

from __future__ import annotations

import pytest
from django.http import QueryDict

from console.lake import files, keyset
from datalake.layout import Period
from tests.console.lake.lake_rows import a_file

pytestmark = pytest.mark.django_db
DAY = Period(2026, 1, 20)


def test_files_of_a_period_are_listed_by_state_and_page(monkeypatch):
    monkeypatch.setattr(keyset, "SIZE", 2)
    loose = [a_file() for _ in range(2)]
    merged, away, archived = (a_file(state=each) for each in ("merged", "superseded", "archived"))
    a_file("2026-01-21")
    a_file(record_type="registration")

    def shown(asked: str = "") -> list[int]:
        return [file.pk for file in files.files_of("scoring", DAY, QueryDict(asked)).rows]

    assert shown() == [merged.pk, loose[1].pk]
    assert shown(f"after={loose[1].pk}") == [loose[0].pk]
    assert shown("show=waiting") == [away.pk]
    assert shown("show=archived") == [archived.pk]
    assert shown("show=other") == shown()


def test_the_file_of_the_month_is_found_for_its_days():
    assert files.month_file("scoring", DAY) is None
    merged = a_file("2026-01", "merged")
    assert files.month_file("scoring", DAY) == merged
    assert files.month_file("scoring", DAY.month_period) is None
