"""What a page of dead letters shows, and how. [T-1, O-5]"""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict

from console.lake import letters
from datalake.dead_letters import found
from datalake.dead_letters.found import Asked
from datalake.models import DeadLetter
from tests.datalake.dead_letters.letter_rows import a_letter


def test_filters_of_an_address_are_read_and_what_is_none_is_ignored():
    asked = {"state": "all", "consumer": "lake", "place": "scored", "like": "7"}
    days = {"since": "2026-01-01", "until": "2026-01-31"}
    assert letters.asked_for(asked | days) == Asked(
        "all", "lake", "scored", 7, date(2026, 1, 1), date(2026, 1, 31)
    )
    odd = {"state": "x", "place": "x", "like": "9" * 30, "since": "0001-01-01", "until": "x"}
    assert letters.asked_for(odd) == letters.asked_for({}) == Asked()


def shown(query: str, asked: Asked) -> tuple[list[int], str, str, bool]:
    found_page = letters.page_of(asked, QueryDict(query))
    return (
        [row.pk for row in found_page.rows],
        found_page.newer,
        found_page.older,
        found_page.is_cut,
    )


@pytest.mark.django_db
def test_t1_pages_lead_on_also_over_letters_that_are_not_asked_for(monkeypatch):
    monkeypatch.setattr(letters, "SIZE", 1)
    monkeypatch.setattr(found, "WINDOW", 2)
    old, *between, new = [
        a_letter(source=source) for source in ("scored", "input", "input", "input", "scored")
    ]
    asked = Asked(place="scored")
    assert shown("", asked) == ([new.pk], "", f"?after={between[2].pk}", True)
    second = f"after={between[2].pk}"
    assert shown(second, asked) == ([], f"?before={between[2].pk}", f"?after={between[0].pk}", True)
    third = f"after={between[0].pk}"
    assert shown(third, asked) == ([old.pk], f"?before={old.pk}", "", False)
    back = f"before={old.pk}"
    assert shown(back, asked) == ([], f"?before={between[1].pk}", f"?after={old.pk}", True)


def test_o5_a_record_is_hidden_as_a_whole_and_shown_with_nothing_unseen():
    letter = DeadLetter(record='{"email": "a@b.example", "x": "\\u202e"}')
    assert letters.record_of(letter, shown=False) == "•" * 12
    assert letters.record_of(letter, shown=True).splitlines() == [
        "{",
        '  "email": "a@b.example",',
        '  "x": "\\u202e"',
        "}",
    ]
