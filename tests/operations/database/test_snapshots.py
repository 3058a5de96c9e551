"""Reads of one moment, whatever others commit between them. [X-14]"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from operations.database.snapshots import IDLE, one_snapshot
from operations.database.statements import first_row


def add() -> None:
    User.objects.create(username="newcomer")
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_x14_a_snapshot_sees_nothing_that_is_committed_after_its_first_statement():
    with one_snapshot():
        assert not User.objects.exists()
        with ThreadPoolExecutor(1) as other:
            other.submit(add).result()
        assert not User.objects.exists()
        assert first_row(f"SHOW {IDLE}") == ("6h",)
    assert User.objects.exists()
    assert first_row(f"SHOW {IDLE}") != ("6h",)


@pytest.mark.django_db
def test_inside_a_transaction_a_snapshot_sees_what_that_has_written():
    with transaction.atomic():
        User.objects.create(username="ann")
        with one_snapshot():
            assert User.objects.exists()
