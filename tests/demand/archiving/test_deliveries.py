from __future__ import annotations

import pytest

from datalake.models import LakeFile
from datalake.storage import buckets
from demand.archiving import archive
from demand.archiving.deliveries import as_delivered
from demand.models import Batch, Delivery
from tests.support.change_events import EVENT, SALE, change

pytestmark = pytest.mark.django_db


def archived() -> Batch:
    raws = [change(EVENT), change(SALE), change(SALE, id="sale-2")]
    batch = archive.claim("test", "1", "3", len(raws))
    archive.archive(batch, raws)
    return batch


def test_d9_a_delivery_is_told_in_the_source_systems_shape():
    archived()
    told = list(as_delivered(Delivery.objects.all()))
    files = LakeFile.objects.order_by("delivery__pk")
    assert sorted(each["count"] for each in told) == [1, 2]
    assert told == [
        {
            "type": file.record_type,
            "partitionDate": file.period,
            "count": file.records,
            "s3": {"type": "s3", "bucket": "campaign-data", "key": file.key},
        }
        for file in files
    ]


def test_d9_on_s3_the_bucket_has_its_name_and_the_key_its_prefix(aws):
    assert buckets.scoring().place("a/b.avro") == ("scoring-files", "presale/a/b.avro")


def test_d9_the_batchs_page_shows_its_deliveries(admin_client):
    batch = archived()
    html = admin_client.get(f"/admin/demand/batch/{batch.pk}/change/").content.decode()
    assert "2 delivered files" in html
    assert "&quot;partitionDate&quot;: &quot;" in html
    assert html.count("&quot;type&quot;: &quot;s3&quot;") == 2
