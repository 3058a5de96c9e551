"""What stands on the suppression list for a contact is the same in Python and in SQL. [N-8]"""

from __future__ import annotations

import pytest

from operations.database.statements import rows
from waves.choices import Channel
from waves.models import Suppression
from waves.suppression.contacts import Contact
from waves.suppression.hashing import KEY, hash_of, hashed, hashed_if_sieved
from waves.suppression.suppressed import Ground, SuppressedBy, suppress

CONTACTS = (
    Contact(Channel.SMS, "+12065550101"),
    Contact(Channel.EMAIL, "ann@example.com"),
    Contact(Channel.EMAIL, "ann+x'%\\@xn--bcher-kva.example"),
)
LISTED = "SELECT sieve FROM waves_suppression"
IN_SQL = f"""
SELECT {KEY}, {hashed("its.channel", "its.contact")},
    {hashed_if_sieved("its.channel", "its.contact", LISTED)}
FROM unnest(%(channels)s::text[], %(contacts)s::text[]) AS its (channel, contact)
"""


def asked() -> list[tuple[bytes, bytes, bytes | None]]:
    channels, contacts = zip(*CONTACTS, strict=True)
    return rows(IN_SQL, channels=list(map(str, channels)), contacts=list(contacts))


@pytest.mark.django_db
def test_n8_the_hash_is_the_same_in_python_and_in_sql():
    suppress(CONTACTS, Ground(SuppressedBy.STOP))
    found = asked()
    hashes = [hash_of(found[0][0], *each).bytes for each in CONTACTS]
    assert [bytes(each) for _, each, _ in found] == hashes
    assert [bytes(each) for _, _, each in found] == hashes


@pytest.mark.django_db
def test_n8_of_contacts_that_the_sieve_does_not_know_no_hash_is_made():
    assert [sieved for *_, sieved in asked()] == [None] * 3
    suppress(CONTACTS[:1], Ground(SuppressedBy.STOP))
    assert [sieved is not None for *_, sieved in asked()] == [True, False, False]


@pytest.mark.django_db
def test_n8_an_older_entry_without_a_sieve_lets_all_contacts_through():
    suppress(CONTACTS[:2], Ground(SuppressedBy.STOP))
    Suppression.objects.filter(channel="sms").update(sieve=None)
    assert all(whole == sieved for _, whole, sieved in asked())


def test_n8_a_hash_tells_key_channel_and_contact_apart():
    found = [
        hash_of(key, channel, contact)
        for key in (b"a" * 32, b"b" * 32)
        for channel in Channel
        for contact in ("+12065550101", "+12065550102")
    ]
    assert len(set(found)) == 8
