"""What the tests of buckets share."""

from __future__ import annotations

import boto3
import pytest
from django.core.files.storage import storages
from moto import mock_aws

from datalake.storage import buckets


@pytest.fixture(params=["disk", "s3", "s3 with a prefix"])
def bucket(request, settings, monkeypatch):
    """The same promises on a folder and on S3."""
    if request.param == "disk":
        yield buckets.campaign_data()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        options = {
            "bucket_name": "lake",
            "location": "some/prefix" if "prefix" in request.param else "",
        }
        settings.STORAGES = settings.STORAGES | {
            "campaign-data": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        }
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        yield buckets.campaign_data()
