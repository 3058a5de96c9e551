"""A row behind every address, and one in every state that a page offers something for."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from campaigns.intake import arrivals
from campaigns.models import (
    Activation,
    Arrival,
    Campaign,
    FanList,
    KeptList,
    ListEntry,
    RankFile,
    Registrant,
    RegistrationImport,
    ScoreFile,
)
from campaigns.opening import open_campaign
from campaigns.registrations import imports
from console.models import SignInCounter
from console.sign_in.attempts import account_key
from datalake.models import DeadLetter
from datalake.query.models import LakeQuery
from datalake.storage import buckets
from demand.models import Batch, CurrentRecord, ErrorFile, EventUpload
from operations.choices import JobState
from operations.models import Alert, Job
from tests.support.campaigns import make_campaign, make_market
from waves.choices import SendState, WaveKind, WaveState
from waves.models import (
    CodeImport,
    Member,
    Preflight,
    ProviderAccount,
    Rehearsal,
    Send,
    Suppression,
    Template,
    Wave,
    WaveUpload,
)

NOW, TO_COME = datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
DIGEST = "d" * 64
REGISTRATION = {
    "type": "registration",
    "date": {"created": "2026-01-01T10:00:00.000Z"},
    "globalUserId": "f",
    "email": "f@mail.example",
}
CONTENT = {
    "templates": [],
    "notify_channels": "both",
    "campaign": {"name": "Spring Tour", "artist": "The Band", "time_zone": "UTC"},
}
COUNTS: dict[str, Any] = {
    "rows_in": 2,
    "accepted": 1,
    "rejected": 1,
    "rejected_by": {"no_contact": 1},
}
HAS_NO_CONTENT = (WaveState.CONFIGURED, WaveState.CODE_GENERATED, WaveState.FAILED)
BEFORE_SENDING = (WaveState.PREPARED, WaveState.APPROVED)
HAS_MESSAGES = (WaveState.TRIGGERED, WaveState.PAUSED, WaveState.COMPLETED)
HAS_APPROVAL = (WaveState.APPROVED, WaveState.SCHEDULED, WaveState.TRIGGERED, WaveState.PAUSED)


def one_of_each(pk: int, name: str) -> Campaign:
    """A row behind every address, under one number and one name."""
    ProviderAccount.objects.create(pk=pk, name="http", paused=True)
    return one_of_each_kind(pk, name, market="north", fan="f")


def one_of_each_kind(pk: int, name: str, *, market: str, fan: str) -> Campaign:
    """The same but for the provider: a site can hold more than one of these."""
    campaign = make_campaign(name, pk=pk)
    make_market(campaign, market, pk=pk)
    own = {"pk": pk, "campaign": campaign}
    fanlist = FanList.objects.create(fanlist_id=name, **own)
    campaign.score_files.create(
        pk=pk, attempt=1, name="a.txt", timestamp="1", key="scored/a.txt", sha256="a"
    )
    suspicious_group(campaign.score_files.get(pk=pk), pk=pk)
    RankFile.objects.create(
        pk=pk, fanlist=fanlist, name="a.csv", key="fanlist/a.csv", sha256="a", formula="linear"
    )
    RegistrationImport.objects.create(name="a.csv", key="a.csv", sha256="a", **own)
    CodeImport.objects.create(origin="Partner", name="c.csv", key="c.csv", sha256="a", **own)
    Registrant.objects.create(global_user_id=fan, registered_at=NOW, changed_at=NOW, **own)
    Wave.objects.create(name=name, date_key="20260101", notify_date=NOW, **own)
    Template.objects.create(channel="sms", body="{code}", **own)
    ListEntry.objects.create(kind="blacklist", pattern="a@b.example", **own)
    Job.objects.create(pk=pk, kind="merge", subject_kind="lake", subject_id=name)
    by, _ = User.objects.get_or_create(username="asked-the-lake")
    answered = {"state": "done", "answer": zlib.compress(b"[]")}
    LakeQuery.objects.create(pk=pk, sql="SELECT 1", by=by, **answered)
    EventUpload.objects.create(pk=pk, name="a", key="a", sha256=name, bytes=1)
    CurrentRecord.objects.create(
        pk=pk, record_type="demand", reference_id=name, record={}, changed_at=NOW
    )
    return campaign


def suspicious_group(score_file: ScoreFile, **values: Any) -> None:
    """A domain that looks made by a machine was found in the file."""
    found = {"fans": 1, "registered": 0, "found": 1, "groups": {"rare_domain": 1}}
    ScoreFile.objects.filter(pk=score_file.pk).update(suspicious=found)
    score_file.suspicious_groups.create(
        number=1,
        kind="rare_domain",
        fans=30,
        expected=1.5,
        corrected_p=0.001,
        about={"domain": "seats.example"},
        **values,
    )


def one_in_each_state(campaign: Campaign) -> None:
    """Campaigns, files, waves, jobs and records of the archive, so that every form of the site
    stands on some page.
    """
    of_a_campaign(campaign, fans=("f", "g"), digest=DIGEST)
    User.objects.create_user("has-left", is_staff=True, is_active=False)
    account = account_key(User.objects.create_user("mistyped", is_staff=True).username)
    SignInCounter.objects.create(key="a", account=account, failures=3, last_at=timezone.now())
    make_campaign("a-draft", opened=False, entropy_source="drand round 99551234")
    make_campaign("waits-for-luck", entropy_source="drand round 1")
    to_come = make_campaign("to-come", opened=False, entropy_source="drand round 99551234")
    open_campaign(to_come.pk, by=None)
    _late(make_campaign("luck-is-known"))
    over = make_campaign("is-over")
    Campaign.objects.filter(pk=over.pk).update(status="closed", closed_at=NOW)
    for number, job_state in enumerate(JobState.values):
        Job.objects.create(
            kind="process_scores",
            subject_kind="score_file",
            subject_id=str(number),
            state=job_state,
            error="The bucket was away." if job_state == JobState.FAILED else "",
        )
    Arrival.objects.create(campaign=campaign, name="a.txt", key="scored/c.txt", version="1", size=1)
    Alert.objects.create(text="The bucket was away.")
    Suppression.objects.create(channel="sms", contact=UUID(int=7), cause="stop")
    DeadLetter.objects.create(
        consumer="registrations", source="input", position=1, index=0, error="odd", record="{}"
    )
    batch = Batch.objects.create(source="file", first="1", last="1", events=1, created_at=NOW)
    ErrorFile.objects.create(
        batch=batch, error_type="invalid_field", key="errors/a.jsonl", events=1
    )


def of_a_campaign(campaign: Campaign, *, fans: tuple[str, str], digest: str) -> None:
    """Waves, score files and messages of this campaign in each state. The numbers of those whose
    pages have them in the address begin with the campaign's.
    """
    preparer, _ = User.objects.get_or_create(username="somebody-else")
    approver, _ = User.objects.get_or_create(username="approves-waves")
    for number, state in enumerate(WaveState.values):
        approved = state in HAS_APPROVAL
        Wave.objects.create(
            campaign=campaign,
            name=f"{campaign.campaign_id}_{state}",
            date_key=f"20260102-{number}",
            pk=_number(campaign, number),
            notify_date=TO_COME if state in BEFORE_SENDING else NOW,
            state=state,
            error="The bucket was away." if state == WaveState.FAILED else "",
            attempts=2 if state == WaveState.FAILED else 0,
            content={} if state in HAS_NO_CONTENT else CONTENT,
            content_digest="" if state in HAS_NO_CONTENT else digest,
            zip_key="" if state in HAS_NO_CONTENT else "w.zip",
            prepared_by=preparer,
            prepared_at=NOW,
            triggered_at=NOW if state in HAS_MESSAGES else None,
            approved_by=approver if approved else None,
            approved_digest=digest if approved else "",
            counted_digest=digest if approved or state == WaveState.PREPARED else "",
        )
    _checked_and_rehearsed(campaign, digest)
    _with_rejected_rows(campaign)
    for number, file_state in enumerate(("validated", "streamed", "failed"), start=2):
        ScoreFile.objects.create(
            pk=_number(campaign, number),
            campaign=campaign,
            attempt=number,
            name=f"{file_state}.txt",
            timestamp=str(number),
            key=f"scored/{file_state}.txt",
            sha256=file_state,
            state=file_state,
            error="Not UTF-8." if file_state == "failed" else "",
            roster_digest=digest,
            roster_size=1,
            streamed=1,
            scrubbed_key="a.csv",
            rejected_key="a.rejected.csv",
            **COUNTS,
        )
    suspicious_group(campaign.score_files.get(state="streamed"), pk=_number(campaign, 1))
    RegistrationImport.objects.create(
        pk=_number(campaign, 1),
        campaign=campaign,
        name="b.csv",
        key="b.csv",
        sha256="b",
        finished=True,
        columns=["global_user_id", "registered_at"],
        rejected_key="b.rejected.csv",
        **COUNTS,
    )
    Activation.objects.create(campaign=campaign, score_file=campaign.score_files.first())
    completed = Wave.objects.get(campaign=campaign, state=WaveState.COMPLETED)
    _message(completed, 1, fans[0], state=SendState.FAILED, reason="http_400", settled_at=NOW)
    _message(completed, 2, fans[1], state=SendState.UNKNOWN, reason="timed_out")
    _with_a_waiting_list(Wave.objects.get(campaign=campaign, state=WaveState.PREPARED))


def _number(campaign: Campaign, number: int) -> int:
    return campaign.pk * 100 + number


def _checked_and_rehearsed(campaign: Campaign, digest: str) -> None:
    """The prepared wave may be approved by its pre-flight; the approved one is being rehearsed."""
    Preflight.objects.create(
        wave=Wave.objects.get(campaign=campaign, state=WaveState.PREPARED),
        pk=campaign.pk,
        digest=digest,
        figures={"samples": {"members": []}},
        reds=1,
        checks=[{"name": "Workers", "ok": "red", "detail": "None runs."}],
    )
    Rehearsal.objects.create(
        wave=Wave.objects.get(campaign=campaign, state=WaveState.APPROVED), digest=digest
    )


def _message(wave: Wave, place: int, fan: str, **values: Any) -> None:
    """An SMS to a member of the wave."""
    campaign = wave.campaign
    member = Member.objects.create(
        pk=_number(campaign, place),
        wave=wave,
        campaign=campaign,
        market=campaign.markets.first(),
        global_user_id=fan,
        place=place,
        band_score=0.5,
    )
    number = member.pk
    Send.objects.create(
        pk=number, wave=wave, member=member, channel="sms", key=UUID(int=number), **values
    )


def _with_a_waiting_list(wave: Wave) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        entry = zipfile.ZipInfo("0000000001.tsv")
        entry.comment = b"0.5"
        archive.writestr(entry, "f\tnorth\t0.5\n")
    content.seek(0)
    key = f"{wave.name}.waiting"
    buckets.scoring().put(key, content)
    score_file = wave.campaign.score_files.first()
    kept = {"waiting_key": key, "waitlist": 1, "score_file": score_file}
    Wave.objects.filter(pk=wave.pk).update(**kept)


def _with_rejected_rows(campaign: Campaign) -> None:
    """A list of codes, and one of fans whose wave was cancelled."""
    CodeImport.objects.create(
        pk=_number(campaign, 1),
        campaign=campaign,
        origin="Partner",
        name="d.csv",
        key="d.csv",
        sha256="d",
        finished=True,
        rejected_key="d.rejected.csv",
        **COUNTS | {"rejected_by": {"empty": 1}},
    )
    uploaded = Wave.objects.create(
        pk=_number(campaign, 99),
        campaign=campaign,
        name=f"{campaign.campaign_id}_uploaded",
        date_key="20260103",
        kind=WaveKind.UPLOADED,
        notify_date=NOW,
        state=WaveState.CANCELLED,
        rejected_key="u.rejected.csv",
    )
    WaveUpload.objects.create(wave=uploaded, key="u.csv", sha256="u", **COUNTS)


def _late(campaign: Campaign) -> None:
    """What came after luck could be known, and waits for a person: a file in the bucket, one of
    registrations, a record of the stream, and a list.
    """
    KeptList.objects.create(
        campaign=campaign, kind="blacklist", content=b"", sha256="a", waiting_sha256="b"
    )
    Campaign.objects.filter(pk=campaign.pk).update(first_drawn_at=NOW)
    arrival = Arrival.objects.create(
        campaign=campaign, name="b.txt", key="scored/d.txt", version="1", size=1
    )
    file = RegistrationImport.objects.create(
        campaign=campaign, name="c.csv", key="c.csv", sha256="c"
    )
    for kind, subject in (
        (arrivals.JOB_KIND, arrivals.subject_of(arrival)),
        (imports.JOB_KIND, imports.subject_of(file)),
    ):
        Job.objects.create(
            kind=kind,
            subject_kind=subject.kind,
            subject_id=subject.id,
            state=JobState.FAILED,
            error="It is late.",
        )
    DeadLetter.objects.create(
        consumer="registrations",
        source="input",
        position=2,
        index=0,
        error=f"Late registration of campaign {campaign.campaign_id}: it is late",
        record=json.dumps(REGISTRATION | {"campaignId": campaign.campaign_id}),
    )
