"""What stands on the suppression list for a contact is the same in Python and in SQL. [N-8]"""

from __future__ import annotations

import pytest

from operations.database.statements import rows
from waves.choices import Channel
from waves.suppression.contacts import Contact
from waves.suppression.hashing import KEY, KEY_IF_USED, hash_of, hashed
from waves.suppression.suppressed import Ground, SuppressedBy, suppress

CONTACTS = (
    Contact(Channel.SMS, "+12065550101"),
    Contact(Channel.EMAIL, "ann@example.com"),
    Contact(Channel.EMAIL, "ann+x'%\\@xn--bcher-kva.example"),
)
IN_SQL = f"""
SELECT {KEY}, {hashed("its.channel", "its.contact", KEY_IF_USED)}
FROM unnest(%(channels)s::text[], %(contacts)s::text[]) AS its (channel, contact)
"""


def asked() -> list[tuple[bytes, bytes]]:
    channels, contacts = zip(*CONTACTS, strict=True)
    return rows(IN_SQL, channels=list(map(str, channels)), contacts=list(contacts))


@pytest.mark.django_db
def test_n8_the_hash_is_the_same_in_python_and_in_sql():
    suppress(CONTACTS, Ground(SuppressedBy.STOP))
    found = asked()
    hashes = [hash_of(found[0][0], *each).bytes for each in CONTACTS]
    assert [bytes(each) for _, each in found] == hashes


@pytest.mark.django_db
def test_n8_nothing_is_hashed_while_nobody_is_on_the_list():
    assert {each for _, each in asked()} == {None}


def test_n8_a_hash_tells_key_channel_and_contact_apart():
    found = [
        hash_of(key, channel, contact)
        for key in (b"a" * 32, b"b" * 32)
        for channel in Channel
        for contact in ("+12065550101", "+12065550102")
    ]
    assert len(set(found)) == 8
