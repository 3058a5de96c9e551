"""Files of contacts: every row has one outcome, and a batch is all that is held. [N-8]"""

from __future__ import annotations

import gzip
import io

import pytest

from campaigns.errors import UnreadableFile
from campaigns.models import Campaign
from tests.support.waves import person
from waves.choices import Channel, SuppressedBy
from waves.models import Suppression
from waves.suppression import files
from waves.suppression.contacts import Contact
from waves.suppression.files import FileResult, suppress_file
from waves.suppression.suppressed import Ground, entries_of, ground_of

pytestmark = pytest.mark.django_db

MIXED = """Email,name,Phone
ann@example.com,Ann,+12065550101
BOB@Example.com,Bob,
,Cy,"+1 206 555 0103"
,Di,
not an address,Ed,+12065550105
fay@example.com,Fay,206 555 0106
gus@example.com,Gus
ann@example.com,Ann again,
"""


def ground(campaign: Campaign | None = None) -> Ground:
    return ground_of(SuppressedBy.FILE, campaign, by=person("ann"), reason="from the old system")


def taken(text: str | bytes, campaign: Campaign | None = None) -> FileResult:
    content = text if isinstance(text, bytes) else text.encode()
    return suppress_file(io.BytesIO(content), ground(campaign))


def test_n8_every_row_is_counted_and_the_bad_ones_are_named_by_line():
    result = taken(MIXED)
    assert result.as_result() == {
        "rows_in": 8,
        "accepted": 4,
        "rejected": {"malformed_row": 1, "no_contact": 1, "bad_contact": 1, "no_country": 1},
        "suppressed": 4,
        "suppressed_before": 0,
        "ignored_columns": ["name"],
    }
    assert result.problems == [
        (5, "no_contact"),
        (6, "bad_contact"),
        (7, "no_country"),
        (8, "malformed_row"),
    ]
    entry = entries_of(Contact(Channel.EMAIL, "bob@example.com")).get()
    assert (entry.cause, entry.by, entry.reason) == ("file", person("ann"), "from the old system")


@pytest.mark.parametrize(
    "content",
    [
        b"contact\nann@example.com\n+12065550101\n",
        b"\xef\xbb\xbfphone\tcontact\r\n+1 206-555-0101\tANN@example.com\r\n",
        gzip.compress(b'"email","phone"\n"ann@example.com","+12065550101"'),
    ],
)
def test_n8_the_same_contacts_are_read_however_the_file_is_written(content):
    assert taken(content).added == 2
    again = taken(content).as_result()
    assert (again["suppressed"], again["suppressed_before"]) == (0, 2)


def test_n8_numbers_of_a_campaigns_file_are_those_of_its_first_home_country():
    campaign = Campaign.objects.create(campaign_id="t", name="T", home_countries=["GB", "US"])
    assert taken("phone\n07400 123456\n", campaign).added == 1
    entry = entries_of(Contact(Channel.SMS, "+447400123456")).get()
    assert entry.campaign == campaign


@pytest.mark.parametrize(
    "content",
    [b"", b"name\nAnn\n", b"email,email\n", b"\xff\xfe\n", gzip.compress(b"email\n" * 99)[:-9]],
)
def test_n8_a_file_without_a_header_of_contacts_is_refused(content):
    with pytest.raises(UnreadableFile):
        taken(content)
    assert not Suppression.objects.exists()


def test_n8_a_file_is_taken_in_batches_and_the_first_bad_rows_are_named(monkeypatch):
    monkeypatch.setattr(files, "BATCH_BYTES", 4096)
    rows = "".join(f"fan{n}@example.com\nfan{n}\n" for n in range(2_000))
    heights: list[int] = []
    result = suppress_file(
        io.BytesIO(f"email\n{rows}".encode()),
        ground(),
        taken=lambda so_far: heights.append(so_far.rows_in),
    )
    assert len(heights) > 5
    assert heights[-1] == result.rows_in == 4_000
    assert (result.added, result.rejected.total()) == (2_000, 2_000)
    assert len(result.problems) == files.MOST_NAMED
