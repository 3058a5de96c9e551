"""People at their browsers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.people import client_of, member_of


@pytest.fixture
def operator(db: None) -> Client:
    return client_of(member_of("operator"))


@pytest.fixture
def viewer(db: None) -> Client:
    return client_of(member_of("viewer"))


@pytest.fixture
def administrator() -> User:
    return member_of("administrator")


@pytest.fixture
def client(administrator: User) -> Client:
    return client_of(administrator)
