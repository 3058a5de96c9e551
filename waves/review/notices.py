"""Whoever may approve a wave is told that it waits for them: on Slack, and by an e-mail of their
own, once for each content, and again after an approval was lost. [W-10, X-5]

A notice is written with its e-mails as rows; a job sends what is open of them. A mail server that
is down delays e-mails and nothing else. They name the wave and its numbers, never a fan. A worker
that dies between sending and writing that down sends that e-mail again.
"""

from __future__ import annotations

import smtplib

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from campaigns.choices import CampaignStatus
from operations import jobs, leases
from operations.adminkit.wall_clock import there
from operations.alerts import alert
from operations.database.retries import retried
from operations.leases import Lease
from operations.models import Job
from operations.plurals import plural
from waves.alarms import lost_approvals
from waves.choices import WaveState
from waves.errors import NoticeNotSent
from waves.lifecycle import subject_of, wave_named
from waves.models import ApprovalNotice, NoticeEmail, Wave

JOB_KIND = "notify_approvers"
RIGHT = "waves.approve_wave"
SMTP_SECONDS = 10
_TEXT = """Hello {name},

{first} Please check its messages and numbers, then approve it:

{url}

Wave: {wave}
Campaign: {campaign}
Fans: {fans}
Notify date: {due}
Prepared by: {author}

You receive this because you may approve waves.
"""


def open_notices() -> list[Job]:
    """A notice for each wave that waits for its approval and has none for this content: the jobs
    that send the e-mails.
    """
    waiting = Wave.objects.filter(
        Q(counted_digest=F("content_digest")) & ~Q(content_digest=""),
        state=WaveState.PREPARED,
        campaign__status=CampaignStatus.OPEN,
    ).select_related("campaign", "prepared_by")
    waves = list(waiting.order_by("id"))
    lost = lost_approvals(waves)
    opened = (_open(wave, lost[wave.name].pk if wave.name in lost else 0) for wave in waves)
    return [job for job in opened if job is not None]


@retried
@transaction.atomic
def _open(wave: Wave, after: int) -> Job | None:
    """Of several who look at once, one makes the notice: its constraint says who."""
    notice, made = ApprovalNotice.objects.get_or_create(
        wave=wave, digest=wave.content_digest, after=after
    )
    if not made:
        return None
    NoticeEmail.objects.bulk_create(
        NoticeEmail(notice=notice, user=user) for user in approvers(wave) if user.email
    )
    alert(f":memo: {_first(wave, after)} It needs approval by another user.\n{_url(wave)}")
    return jobs.open_job(JOB_KIND, subject_of(wave))


def approvers(wave: Wave) -> list[User]:
    """Active users who may approve this wave: who prepared or last edited it may not."""
    able = User.objects.with_perm(
        RIGHT, backend="django.contrib.auth.backends.ModelBackend", include_superusers=True
    )
    authors = [pk for pk in (wave.prepared_by_id, wave.edited_by_id) if pk is not None]
    return list(able.exclude(pk__in=authors).order_by("pk"))


def run(job_id: int) -> None:
    """Send what is open of the wave's notices. Raises NoticeNotSent where some could not be sent
    now.
    """
    with leases.working(job_id) as lease:
        wave = wave_named(Job.objects.get(pk=job_id).subject_id)
        missed = [mail for mail in _still_wanted(wave) if not _send(wave, mail, lease)]
        if missed:
            raise NoticeNotSent(
                f"Wave {wave.name}: {plural(len(missed), 'e-mail')} to approvers could not be"
                " sent. Check the mail server."
            )


def _still_wanted(wave: Wave) -> list[NoticeEmail]:
    """E-mails about what the wave says now, if it still waits: about anything else none is sent."""
    if wave.state != WaveState.PREPARED:
        return []
    unsent = NoticeEmail.objects.filter(
        notice__wave=wave,
        notice__digest=wave.content_digest,
        user__is_active=True,
        sent_at=None,
        refused="",
    )
    return list(unsent.select_related("notice", "user").order_by("pk"))


def _send(wave: Wave, mail: NoticeEmail, lease: Lease) -> bool:
    lease.check_stop()
    message = EmailMessage(
        f"Wave {wave.name} needs your approval",
        _text(wave, mail),
        to=[mail.user.email],
        connection=get_connection(timeout=SMTP_SECONDS),
    )
    row = NoticeEmail.objects.filter(pk=mail.pk)
    try:
        message.send()
    except (OSError, ValueError) as error:
        if not _is_final(error):
            return False
        row.update(refused=type(error).__name__)
    else:
        row.update(sent_at=timezone.now())
    return True


def _is_final(error: Exception) -> bool:
    """An address that cannot be written or that the mail server refuses for good; with a 4xx it may
    take the same e-mail later.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, ValueError)


def _first(wave: Wave, after: int) -> str:
    if after:
        return f"Wave {wave.name} has lost its approval and must be approved again."
    return f"Wave {wave.name} is prepared and its second count agrees."


def _text(wave: Wave, mail: NoticeEmail) -> str:
    return _TEXT.format(
        name=mail.user.get_full_name() or mail.user.get_username(),
        first=_first(wave, mail.notice.after),
        url=_url(wave),
        wave=wave.name,
        campaign=wave.campaign.name,
        fans=f"{wave.selected:,}",
        due=there(wave.notify_date, wave.campaign.time_zone),
        author=wave.prepared_by or "System",
    )


def _url(wave: Wave) -> str:
    return f"{settings.SITE_URL.rstrip('/')}{reverse('wave', args=[wave.name])}"
