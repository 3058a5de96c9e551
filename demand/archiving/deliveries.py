"""What was delivered, in the shape of the source system. [D-9]"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from datalake.storage import buckets
from demand.models import Delivery


def as_delivered(deliveries: QuerySet[Delivery]) -> Iterator[dict[str, Any]]:
    """`{type, partitionDate, count, s3: {type, bucket, key}}` of each, in the order in which they
    were delivered; the key is the whole key in the bucket. On disk the folder's name stands for the
    bucket's.
    """
    bucket = buckets.campaign_data()
    for delivery in deliveries.select_related("file").order_by("pk"):
        file = delivery.file
        name, key = bucket.place(file.key)
        yield {
            "type": file.record_type,
            "partitionDate": file.period,
            "count": file.records,
            "s3": {"type": "s3", "bucket": name, "key": key},
        }
