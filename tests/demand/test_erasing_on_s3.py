"""An erasure does on S3 what it does in a folder, and says that versions stay. [X-11]"""

from __future__ import annotations

import pytest
from django.core.files.storage import storages

from datalake.storage import buckets
from demand.erasure import erasing
from tests.demand.erasure.test_erasing import BAD, MINE, MY_NOTE, OTHERS, erase, is_erased
from tests.support import cloud
from tests.support.change_events import archived

pytestmark = [pytest.mark.django_db, pytest.mark.processes]


@pytest.fixture
def lake(settings, monkeypatch):
    """The campaign data bucket on a server of S3's contract."""
    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0)
    with cloud.running(settings, monkeypatch) as amazon:
        amazon.s3.create_bucket(Bucket="lake")
        options = {
            "bucket_name": "lake",
            "location": "here",
            "endpoint_url": amazon.address,
            "signature_version": "s3v4",
        }
        settings.STORAGES |= {
            "campaign-data": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        }
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        yield amazon.s3


def test_x11_files_and_error_files_on_s3_are_erased(lake):
    archived([MINE, *OTHERS, MY_NOTE, BAD])
    places, erased = erase()
    is_erased()
    assert sorted(place.what for place in places if place.what != erasing.TABLE) == [
        "error file",
        "file",
        "file",
    ]
    assert erased.left == []


def test_x11_a_bucket_that_keeps_versions_is_named_for_the_fan_is_still_in_them(lake):
    lake.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    archived([MINE, OTHERS[0]])
    _, erased = erase()
    assert [left.place for left in erased.left] == ["older versions of replaced objects"]
    key = f"here/{next(buckets.campaign_data().list('demand/data/'))}"
    assert len(lake.list_object_versions(Bucket="lake", Prefix=key)["Versions"]) == 2
