"""People at their browsers."""

import pytest
from django.test import Client

from tests.console.people import client_of, member_of


@pytest.fixture
def operator(db: None) -> Client:
    return client_of(member_of("operator"))


@pytest.fixture
def viewer(db: None) -> Client:
    return client_of(member_of("viewer"))
