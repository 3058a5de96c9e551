"""The lake's files without a fan, however often the erasure is killed. [X-11, X-9]"""

from __future__ import annotations

import pytest

from datalake import archive, catalogue, save
from datalake.erased.erasing import Sought
from datalake.erased.fans import mark
from datalake.erasure import lake
from datalake.merging import merge
from datalake.models import LakeFile, LakeRewrite, Merge
from datalake.parity import check, published
from datalake.storage import buckets
from operations.database.locks import try_lock_in_transaction
from tests.console.erasure.erasure_cases import objects_with
from tests.datalake.lake_cases import DAY, Killed, die, put_foreign, save_loose, valid
from tests.support.connections import elsewhere
from tests.support.lake import publish_scores

pytestmark = pytest.mark.django_db(transaction=True)
ME = Sought("fan-2", 1)


@pytest.mark.parametrize(
    "step",
    [
        (buckets.DiskBucket, "copy"),
        (catalogue, "enter_without_a_fan"),
        (published, "add_tombstones"),
        (lake, "rename_identities"),
        (buckets.DiskBucket, "delete"),
    ],
)
def test_x11_killed_at_any_step_the_next_one_finishes_and_lake_and_database_agree(
    step, monkeypatch
):
    publish_scores(5)
    save.save("scored")
    mark("fan-2")
    published.count_published()
    places = []
    with monkeypatch.context() as killing:
        killing.setattr(*step, die)
        with pytest.raises(Killed):
            list(lake.erase_files(ME, places.append))
    left = list(lake.erase_files(ME, places.append))
    assert left == []
    assert not LakeRewrite.objects.exists()
    assert objects_with(["fan-2"]) == set()
    assert list(buckets.campaign_data().list("erasing/")) == []
    found = check.check(read_files=True)
    assert found.ok
    assert published.published_days("scoring").popitem()[1].tombstones == 1
    assert {place.name for place in places} == {LakeFile.objects.get().key}


def test_x11_a_file_that_a_merge_writes_meanwhile_is_looked_into_too(monkeypatch):
    save_loose(5, 5)
    mark("fan-2")
    erase_from = lake._erase_from

    def erase_when_merged(*arguments):
        if not Merge.objects.exists():
            merge.merge_period("scoring", DAY)
        erase_from(*arguments)

    monkeypatch.setattr(lake, "_erase_from", erase_when_merged)
    list(lake.erase_files(ME, lambda place: None))
    assert objects_with(["fan-2"]) == set()
    assert check.check(read_files=True).ok


@pytest.mark.parametrize("record_type", ["scoring", "registration"])
def test_x11_what_a_killed_archive_has_copied_goes_and_the_next_archive_copies_anew(
    record_type, monkeypatch
):
    if record_type == "scoring":
        save_loose(5)
    else:
        put_foreign("theirs", [valid(1), valid(2)])
    merged = merge.merge_period(record_type, DAY)
    with monkeypatch.context() as killing:
        killing.setattr(archive, "_let_go", die)
        with pytest.raises(Killed):
            archive.archive(merged.pk)
    mark("fan-2")
    list(lake.erase_files(ME, lambda place: None))
    assert objects_with(["fan-2"]) == set()
    archive.archive(merged.pk)


def test_x11_a_file_that_was_archived_since_an_erasure_was_killed_is_finished_there(monkeypatch):
    save_loose(5)
    mark("fan-2")
    with monkeypatch.context() as killing:
        killing.setattr(buckets.DiskBucket, "copy", die)
        with pytest.raises(Killed):
            list(lake.erase_files(ME, lambda place: None))
    archive.archive(merge.merge_period("scoring", DAY).pk)
    finish, finished = lake._finish, []

    def finish_held(note):
        month = f"merge:scoring:{DAY.month_period}"
        finished.append(elsewhere(lambda: try_lock_in_transaction(month)))
        finish(note)

    monkeypatch.setattr(lake, "_finish", finish_held)
    list(lake.erase_files(ME, lambda place: None))
    assert objects_with(["fan-2"]) == set()
    assert (finished, check.check(read_files=True).ok) == ([False, False], True)
