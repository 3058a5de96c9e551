"""What the tests of buckets share."""

from __future__ import annotations

import pytest
from django.core.files.storage import storages

from datalake.storage import buckets
from tests.support import cloud


@pytest.fixture(params=["disk", "s3", "s3 with a prefix"])
def bucket(request, settings, monkeypatch):
    """The same promises on a folder and on S3."""
    if request.param == "disk":
        yield buckets.campaign_data()
        return
    with cloud.running(settings, monkeypatch) as amazon:
        amazon.s3.create_bucket(Bucket="lake")
        options = {
            "bucket_name": "lake",
            "location": "some/prefix" if "prefix" in request.param else "",
            "endpoint_url": amazon.address,
            "signature_version": "s3v4",
        }
        settings.STORAGES = settings.STORAGES | {
            "campaign-data": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        }
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        yield buckets.campaign_data()
