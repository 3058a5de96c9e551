"""A fan's change events beside those of others, erased and looked for."""

from __future__ import annotations

import base64
import json

from datalake.avro import container
from datalake.avro.columns import add_hashes, content_hash
from datalake.models import LakeFile, LakePartition
from datalake.storage import buckets
from demand.erasure import erasing
from demand.erasure.erasing import Place
from demand.erasure.scrubbing import ERASED
from demand.models import CurrentRecord, Snapshot
from tests.support.change_events import DEMAND, NOTIFICATION, change

FAN = "fan-4f9c1e"


CANARIES = ("+12025550177", "canary@example.com", "Dear Canary", "member-canary")


OF_THE_FAN = {
    "fanId": FAN,
    "phoneNumber": CANARIES[0],
    "email": CANARIES[1],
}


MINE = change(DEMAND, systemUserId=f"legacy.db7.{CANARIES[3]}", **OF_THE_FAN)


MY_NOTE = change(NOTIFICATION, messageBody=CANARIES[2], **OF_THE_FAN)


OTHERS = [change(DEMAND, fanId=fan) for fan in ("fan-2", f"{FAN}2", f"x_{FAN}", f"x-{FAN}")]


GONE = change(DEMAND, "REMOVE", **OF_THE_FAN, at=1_790_000_100)


BAD = change(DEMAND, **OF_THE_FAN, date={"requested": "never"})


def erase(fan: str = FAN, **options) -> tuple[list[Place], erasing.Erased]:
    places: list[Place] = []
    erased = erasing.erase(fan, touch=places.append, **options)
    return places, erased


def kept(*prefixes: str) -> dict[str, bytes]:
    bucket = buckets.campaign_data()
    return {
        key: bucket.open(key).read() for prefix in prefixes or ("",) for key in bucket.list(prefix)
    }


def everything() -> str:
    """All that the bucket holds, unpacked: records of the files, events of the error files, base64
    within them.
    """
    texts = []
    for key, data in kept().items():
        if key.endswith(".avro"):
            with buckets.campaign_data().open(key) as source:
                texts += [json.dumps(record) for record in container.read_records(source)]
        else:
            texts.append(data.decode())
            events = [
                json.loads(event) if event != ERASED else {} for event in json.loads(data)["events"]
            ]
            texts += [
                base64.b64decode(event["raw"]).decode("utf-8", "replace")
                for event in events
                if "raw" in event
            ]
    return "\n".join(texts)


def records(key: str) -> list[tuple[dict, bytes]]:
    with buckets.campaign_data().open(key) as source:
        return list(container.split(source))


def catalogue_is_true() -> None:
    """Each entry is what lies there; each day's total is the sum of its files."""
    for file in LakeFile.objects.all():
        data = [data for _, data in records(file.key)]
        with buckets.campaign_data().open(file.key) as source:
            header = container.read_header(source)
        summary = container.Summary(len(data), content_hash(data))
        assert (
            header.summary == summary == container.Summary(file.records, int(file.content_hash, 16))
        )
        bucket = buckets.campaign_data()
        assert (file.bytes, file.sha256) == (bucket.size(file.key), bucket.sha256(file.key))
    for day in LakePartition.objects.all():
        files = LakeFile.objects.filter(record_type=day.record_type, period=str(day.day))
        assert day.records == sum(file.records for file in files)
        assert int(day.content_hash, 16) == add_hashes(
            [int(file.content_hash, 16) for file in files]
        )


def is_erased() -> None:
    text = everything()
    assert [canary for canary in CANARIES if canary in text] == []
    assert f'"{FAN}"' not in text
    assert not CurrentRecord.objects.filter(fan_id=FAN).exists()
    assert not Snapshot.objects.filter(reference_id=f"event-1_sale-1_{FAN}").exists()
    assert list(buckets.campaign_data().list("demand/erasing/")) == []
    catalogue_is_true()
