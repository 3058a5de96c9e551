"""A row in every list of the site, beside those of `one_of_each`, with contacts of a fan that no
page may show to those who see personal data masked.
"""

from __future__ import annotations

import json
from datetime import date
from uuid import UUID

from django.contrib.auth.models import User

from campaigns.models import Arrival, Campaign, ListEntry, Registrant
from console.models import Erasure, PersonalDataAccess
from datalake.models import (
    Checkpoint,
    DeadLetter,
    LakeFile,
    LakePartition,
    Merge,
    ParityResult,
    QueueMessage,
    Stream,
)
from demand.models import Batch, CurrentRecord, Delivery, ErrorFile, SelectedEvents
from operations.models import Alert, StatusChange
from tests.support.site.one_of_each import NOW, one_of_each
from tests.support.waves import contacts_of
from waves.digest import content_digest
from waves.messages.templates import live_content, texts_for
from waves.models import Code, Member, Selection, Send, Suppression, Wave, WaveMarket

PHONE, EMAIL, CODE = "+12065550147", "kept.private@fans.example", "PRIVATE4711"
PRIVATE = (PHONE, EMAIL, CODE)
RECORD = {"email": EMAIL, "phoneNumber": PHONE, "messageBody": f"Your code is {CODE}"}


def private_rows(pk: int, name: str) -> Campaign:
    """The open campaign of all rows; its wave is prepared."""
    campaign = one_of_each(pk, name)
    user = User.objects.create_user("colleague", pk=pk, is_staff=True)
    Registrant.objects.filter(pk=pk).update(email=EMAIL, phone=PHONE)
    ListEntry.objects.filter(pk=pk).update(pattern=EMAIL)
    Arrival.objects.create(pk=pk, key="a.txt", version="1", size=1)
    Alert.objects.create(pk=pk, text="The disk is full.")
    StatusChange.objects.create(pk=pk, subject_kind="wave", subject_id="x", to_state="prepared")
    PersonalDataAccess.objects.create(pk=pk, user=user, what="shown", reason="a fan called")
    Suppression.objects.create(pk=pk, channel="sms", contact=UUID(int=7), cause="stop")
    Erasure.objects.create(pk=pk, fan_digest="0" * 64, by=user, reason="the fan asked")
    _prepare(campaign, Wave.objects.get(pk=pk))
    _archive(pk)
    return campaign


def _prepare(campaign: Campaign, wave: Wave) -> None:
    own = {"pk": wave.pk, "campaign": campaign}
    market = campaign.markets.get(pk=wave.pk)
    seats = {"capacity": 1, "room": 1, "selected": 1, "selection_time": NOW}
    WaveMarket.objects.create(wave=wave, market=market, name="North", **seats)
    fan = {"global_user_id": "f", "email": EMAIL, "phone": PHONE, "code": CODE}
    member = Member.objects.create(wave=wave, market=market, place=1, band_score=0.9, **fan, **own)
    Code.objects.create(code=CODE, **own)
    Selection.objects.create(global_user_id="f", market=market, code=CODE, event_ids=[], **own)
    Send.objects.create(pk=wave.pk, wave=wave, member=member, channel="sms", key=UUID(int=7))
    wave.content = live_content(wave, texts_for(contacts_of(wave)))
    wave.content_digest, wave.state, wave.prepared_at = content_digest(wave), "prepared", NOW
    wave.save()


def _archive(pk: int) -> None:
    """In the lake and in the demand archive."""
    day = {"record_type": "scoring", "period": "2026-01-01"}
    file = LakeFile.objects.create(
        pk=pk, key="a.avro", schema="scoring.v1", records=1, bytes=1, content_hash="0" * 64, **day
    )
    LakePartition.objects.create(pk=pk, record_type="scoring", day=date(2026, 1, 1))
    ParityResult.objects.create(
        pk=pk,
        record_type="scoring",
        period="2026-01-01",
        ok=True,
        database_records=0,
        lake_records=0,
        checked_at="2026-01-02T11:00:00Z",
    )
    Merge.objects.create(pk=pk, generation=1, **day)
    Stream.objects.create(name=str(pk))
    Checkpoint.objects.create(pk=pk, consumer="lake", stream="elsewhere")
    DeadLetter.objects.create(
        pk=pk,
        consumer="lake",
        source="input",
        position=1,
        index=0,
        error="no date",
        record=json.dumps(RECORD),
    )
    QueueMessage.objects.create(pk=pk, queue="verdict", key="1", body=json.dumps(RECORD))
    SelectedEvents.objects.create(pk=pk, global_user_id="f", by_campaign={}, event_ids=["E1"])
    CurrentRecord.objects.filter(pk=pk).update(record=RECORD)
    batch = Batch.objects.create(
        pk=pk, source="file:a", first="1", last="1", events=1, created_at=NOW
    )
    Delivery.objects.create(pk=pk, batch=batch, file=file)
    ErrorFile.objects.create(
        pk=pk, batch=batch, error_type="invalid_record", key="e.json", events=1
    )
