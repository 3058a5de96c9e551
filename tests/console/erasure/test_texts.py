"""Texts about other things, without the fan. [X-11]"""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from console.erasure.texts import erase_texts
from datalake.erased.erasing import Sought
from operations.models import Alert, StatusChange

pytestmark = pytest.mark.django_db
ME = Sought("fan-7", 1, frozenset({"me@mail.example"}))


def test_x11_only_the_id_and_the_contacts_are_taken_out_of_a_text():
    Alert.objects.create(text="Mail to me@mail.example of fan-7, not of fan-77, came back.")
    places = []
    erase_texts(ME, places.append)
    assert Alert.objects.get().text == ("Mail to [erased] of [erased], not of fan-77, came back.")
    assert [(place.name, place.count) for place in places] == [("alerts", 1)]


def test_x11_history_changes_in_an_erasure_only():
    change = StatusChange.objects.create(subject_kind="x", to_state="y", reason="fan-7 asked")
    with pytest.raises(IntegrityError), transaction.atomic():
        StatusChange.objects.update(reason="nobody asked")
    erase_texts(ME, lambda place: None)
    change.refresh_from_db()
    assert change.reason == "[erased] asked"
