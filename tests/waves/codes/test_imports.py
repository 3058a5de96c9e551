"""Files of codes: every row has one outcome, the constraint judges which codes are new, and an
import that is cut off goes on where it ended. [K-1, K-4]
"""

from __future__ import annotations

import gzip
import io

import pytest

from campaigns.errors import UnreadableFile, WrongStatus
from campaigns.models import Campaign
from campaigns.opening import close_campaign
from datalake.storage import buckets
from operations.errors import BadValue, LeaseLost
from operations.models import Job
from tests.support.waves import campaign_with, person
from waves.codes import import_rows, imports
from waves.errors import BadCodeFile, UnknownMarket
from waves.models import Code, CodeImport, RejectedCode

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign():
    return campaign_with(4)


def received(campaign: Campaign, content: bytes, **options: str) -> CodeImport:
    values = {"origin": "Ticket Partner", "market_id": ""} | options
    return imports.receive(campaign, "codes.csv", io.BytesIO(content), by=person("ann"), **values)


def imported(campaign: Campaign, content: bytes, **options: str) -> CodeImport:
    found = received(campaign, content, **options)
    if imports.has_work_left(found):
        imports.process(imports.open_job(found, by=person("ann")).pk)
    found.refresh_from_db()
    return found


def counts(found: CodeImport) -> tuple:
    return found.rows_in, found.accepted, found.rejected_by


def rejected_file(found: CodeImport) -> str:
    with buckets.scoring().open(found.rejected_key) as file:
        return file.read().decode()


def test_accepted_codes_are_available_and_say_who_they_came_from(campaign):
    west = campaign.markets.get(market_id="west")
    found = imported(campaign, b"code,marketId\nAAA1,\nBBB1,west\n")
    assert counts(found) == (2, 2, {})
    fields = ("code", "source", "origin", "state", "line", "code_import_id", "only_market_id")
    assert list(Code.objects.order_by("line").values_list(*fields)) == [
        ("AAA1", "partner", "Ticket Partner", "available", 2, found.pk, None),
        ("BBB1", "partner", "Ticket Partner", "available", 3, found.pk, west.pk),
    ]


def test_a_code_that_exists_in_any_case_and_campaign_is_rejected_without_saying_where(campaign):
    """K-1"""
    elsewhere = campaign_with(2)
    Code.objects.create(campaign=elsewhere, code="Taken1")
    found = imported(campaign, b"code\ntAKEN1\nFREE1\nfree1\nFREE2\n")
    assert counts(found) == (4, 2, {"duplicate_in_file": 1, "exists_already": 1})
    assert rejected_file(found) == (
        "code,line,reason\ntAKEN1,2,exists_already\nfree1,4,duplicate_in_file\n"
    )
    assert elsewhere.campaign_id not in rejected_file(found)


def test_a_duplicate_in_a_later_batch_is_one_of_the_file(campaign, monkeypatch):
    monkeypatch.setattr(import_rows, "BATCH_BYTES", 8)
    found = imported(campaign, b"code\nAAAA\nBBBB\nCCCC\naaaa\n")
    assert counts(found) == (4, 3, {"duplicate_in_file": 1})


def test_rejected_rows_keep_their_columns_as_they_came(campaign):
    found = imported(campaign, b'code,tier\nTM,gold\nAAA1,\xff\n=1,"a,b"\n')
    assert found.ignored_columns == ["tier"]
    assert rejected_file(found) == (
        "code,tier,line,reason\nTM,gold,2,placeholder\nAAA1,\\xff,3,malformed_row\n"
        '=1,"a,b",4,formula\n'
    )


def test_the_same_file_twice_changes_nothing(campaign):
    first = imported(campaign, b"code\nAAA1\nTM\n")
    before = list(Code.objects.values())
    again = received(campaign, b"code\nAAA1\nTM\n")
    assert again.pk == first.pk
    assert not imports.has_work_left(again)
    assert list(Code.objects.values()) == before
    assert (CodeImport.objects.count(), Job.objects.count()) == (1, 1)


def test_the_same_file_from_another_source_is_another_import_without_new_codes(campaign):
    imported(campaign, b"code\nAAA1\n")
    other = imported(campaign, b"code\nAAA1\n", origin="Somebody else")
    assert counts(other) == (1, 0, {"exists_already": 1})
    assert Code.objects.get().origin == "Ticket Partner"


def test_an_import_that_was_cut_off_goes_on_behind_the_last_batch(campaign, monkeypatch):
    monkeypatch.setattr(import_rows, "BATCH_BYTES", 40)
    content = b"code\n" + b"".join(b"CODE%04d\n" % (n % 30) for n in range(40))
    found = received(campaign, content)
    job = imports.open_job(found, by=person("ann"))
    stored, batches = imports._store, []

    def cut_off(*args):
        if len(batches) == 3:
            raise OSError("the bucket is away")
        batches.append(args)
        return stored(*args)

    with monkeypatch.context() as breaking:
        breaking.setattr(imports, "_store", cut_off)
        with pytest.raises(OSError, match="away"):
            imports.process(job.pk)
    found.refresh_from_db()
    assert 0 < found.rows_in == Code.objects.count() < 40
    assert not found.finished
    before = dict(Code.objects.values_list("code", "pk"))
    done = imported(campaign, content)
    assert counts(done) == (40, 30, {"duplicate_in_file": 10})
    assert before.items() <= dict(Code.objects.values_list("code", "pk")).items()
    assert RejectedCode.objects.count() == 10


def test_what_an_attempt_stores_that_was_taken_over_is_taken_back(campaign, monkeypatch):
    """O-6"""
    found = received(campaign, b"code\nAAA1\n")
    job = imports.open_job(found, by=person("ann"))
    stored = imports._store

    def taken_over(*args):
        result = stored(*args)
        Job.objects.filter(pk=job.pk).update(attempt=7)
        return result

    monkeypatch.setattr(imports, "_store", taken_over)
    with pytest.raises(LeaseLost):
        imports.process(job.pk)
    found.refresh_from_db()
    assert (Code.objects.count(), found.rows_in) == (0, 0)


def test_a_campaign_that_closes_meanwhile_gets_no_more_codes(campaign):
    """C-2"""
    found = received(campaign, b"code\nAAA1\n")
    job = imports.open_job(found, by=person("ann"))
    close_campaign(campaign.pk, by=person("ann"))
    with pytest.raises(WrongStatus, match="closed"):
        imports.process(job.pk)
    assert not Code.objects.exists()
    campaign.refresh_from_db()
    with pytest.raises(WrongStatus, match="closed"):
        received(campaign, b"code\nBBB1\n")


@pytest.mark.parametrize(
    ("content", "options", "error", "why"),
    [
        (b"code\nAAA1\n", {"market_id": "north"}, UnknownMarket, "no market 'north'"),
        (b"code\nAAA1\n", {"origin": "  "}, BadCodeFile, "Name the source"),
        (b"code\nAAA1\n", {"origin": "Code Service"}, BadCodeFile, "Choose another name"),
        (b"code\nAAA1\n", {"origin": "x" * 81}, BadValue, "at most 80|At most 80"),
        (b"code\n", {}, BadCodeFile, "no codes"),
        (b"AAA1\nBBB1\n", {}, UnreadableFile, "missing the column code"),
    ],
)
def test_what_cannot_be_imported_is_refused_before_anything_is_kept(
    campaign, content, options, error, why
):
    with pytest.raises(error, match=why):
        received(campaign, content, **options)
    assert not CodeImport.objects.exists()


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_file_over_the_limit_is_refused(campaign, settings, packed):
    settings.UPLOAD_MAX_BYTES = 60
    with pytest.raises(UnreadableFile, match="larger than 60 bytes"):
        received(campaign, packed(b"code\n" + b"A" * 60))


def test_a_packed_file_is_imported_as_the_file_in_it(campaign, monkeypatch):
    """K-1"""
    monkeypatch.setattr(import_rows, "BATCH_BYTES", 20)
    found = imported(campaign, gzip.compress(b"code,marketId\nAAA1,\nTM,\nBBB1,west\n", mtime=0))
    assert counts(found) == (3, 2, {"placeholder": 1})
    assert found.key.endswith(".csv.gz")
    assert set(Code.objects.values_list("code", flat=True)) == {"AAA1", "BBB1"}
    assert rejected_file(found) == 'code,marketId,line,reason\nTM,"",3,placeholder\n'


@pytest.mark.parametrize(
    ("content", "error", "why"),
    [
        (gzip.compress(b"code\nAAA1\n")[:-9], UnreadableFile, "cannot be unpacked"),
        (gzip.compress(b"code\n"), BadCodeFile, "no codes"),
        (gzip.compress(b"AAA1\nBBB1\n"), UnreadableFile, "missing the column code"),
    ],
    ids=["breaks off", "no codes", "no header"],
)
def test_a_packed_file_that_is_none_of_codes_is_refused(campaign, content, error, why):
    with pytest.raises(error, match=why):
        received(campaign, content)
    assert not CodeImport.objects.exists()
