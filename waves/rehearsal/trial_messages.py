"""A test message: a draft sent to a colleague on the list, with a marked code instead of a fan's.
[N-1]

It goes through the provider that fans' messages go through, so a paused account sends none [N-6],
and it waits for its permit [N-2]. Its row, with its key, is committed before the request, and says
who sent it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from campaigns.models import Campaign, Market
from operations import correlation
from operations.database.locks import lock_in_transaction
from operations.database.retries import retried
from waves.choices import Channel, SendState
from waves.errors import TrialRefused
from waves.messages.content import Message, MessageTemplate
from waves.messages.preview import marked_message, notify_date_of
from waves.models import ProviderAccount, Sender, TrialMessage
from waves.providers import registry
from waves.providers.contract import About, EmailMessage, SmsMessage
from waves.providers.outcomes import Kind, Outcome
from waves.providers.sessions import TIMEOUT_SECONDS
from waves.sending import accounts

MOST, WITHIN = 10, timedelta(minutes=10)  # of one person
LONGEST_WAIT = timedelta(seconds=2)  # for a permit: a person waits for the page meanwhile
LONGEST_SENDING = timedelta(minutes=5)
LOST = Outcome(Kind.UNCERTAIN, "sender_lost")
STATES = {Kind.SENT: SendState.SENT, Kind.UNCERTAIN: SendState.UNKNOWN}
WAVE = "test"  # what requests name in place of a wave


@dataclass(frozen=True)
class Trial:
    """A draft for a market, whom it goes to, and the key under which it is sent once."""

    draft: MessageTemplate
    campaign: Campaign
    market: Market | None
    to: str
    key: uuid.UUID


def recipients(channel: str) -> list[str]:
    """Who may be sent test messages: the addresses, or the phone numbers, of TEST_RECIPIENTS."""
    return [
        each for each in settings.TEST_RECIPIENTS if ("@" in each) == (channel == Channel.EMAIL)
    ]


def send_trial(trial: Trial, *, by: User) -> TrialMessage:
    """Send it and return its row with the outcome. Raises TrialRefused, BadTemplate; then nothing
    was sent. Whatever else is raised leaves the row unknown. [N-4]
    """
    message = marked_message(trial.draft, trial.campaign, trial.market)
    row = _begin(trial, registry.chosen(trial.draft.channel), by)
    outcome = LOST
    try:
        outcome = _send(trial, message)
    finally:
        _record(row, outcome)
    return row


def settle_lost() -> None:
    """Test messages whose process died are unknown. [N-4]"""
    lost = TrialMessage.objects.filter(state=SendState.SENDING, at__lt=Now() - LONGEST_SENDING)
    lost.update(state=STATES[LOST.kind], reason=LOST.reason)


def _record(row: TrialMessage, outcome: Outcome) -> None:
    row.state = STATES.get(outcome.kind, SendState.FAILED)
    row.reason = "" if row.state == SendState.SENT else outcome.reason[:60]
    row.provider_id = outcome.provider_id[:80]
    values = {"state": row.state, "reason": row.reason, "provider_id": row.provider_id}
    # a receipt may have come already
    TrialMessage.objects.filter(pk=row.pk, state=SendState.SENDING).update(**values)


@retried
@transaction.atomic
def _begin(trial: Trial, provider: registry.Provider, by: User) -> TrialMessage:
    channel = trial.draft.channel
    if trial.to not in recipients(channel):
        raise TrialRefused(
            f"{trial.to or 'Nobody'} is not on the list of test recipients. Choose one of"
            " the list, or have it added to the setting TEST_RECIPIENTS."
        )
    account = accounts.account(provider.name)
    if account.paused:
        raise TrialRefused(f"Sending through {provider.title} is stopped: {account.paused_reason}")
    if Sender.objects.filter(account=account, lease_until__gte=Now()).exists():
        raise TrialRefused("A wave is being sent right now. Try again when it is done.")
    waiting = ProviderAccount.objects.filter(pk=account.pk, permits_until__gt=Now() + LONGEST_WAIT)
    if waiting.exists():
        raise TrialRefused(f"{provider.title} takes no more messages now. Try again in 5 minutes.")
    lock_in_transaction(f"test messages of {by.pk}")
    if TrialMessage.objects.filter(by=by, at__gte=Now() - WITHIN).count() >= MOST:
        raise TrialRefused(
            f"You have sent {MOST} test messages in the last 10 minutes. Wait a few minutes."
        )
    row, is_new = TrialMessage.objects.get_or_create(
        key=trial.key,
        defaults={
            "by": by,
            "campaign": trial.campaign,
            "channel": channel,
            "to": trial.to,
            "language": trial.draft.language,
        },
    )
    if not is_new:
        raise TrialRefused("This test message was sent already.")
    return row


def _about(trial: Trial) -> About:
    zone = ZoneInfo(trial.campaign.time_zone)
    return About(
        trial.campaign.campaign_id,
        WAVE,
        notify_date_of(trial.campaign).astimezone(zone).date().isoformat(),
        trial.market.market_id if trial.market else "",
        correlation.current(),
    )


def _send(trial: Trial, message: Message) -> Outcome:
    channel = trial.draft.channel
    provider = registry.client(channel)
    grant = accounts.take_permits(
        provider.name, per_second=accounts.limits_of(channel).per_second, wanted=1
    )
    wait = max(0.0, grant.first - grant.database_now) if grant else 0.0
    if wait > LONGEST_WAIT.total_seconds():  # the provider has asked us to wait a moment ago
        return Outcome(Kind.REFUSED, "http_429")
    time.sleep(wait)
    if grant is None or accounts.account(provider.name).paused:
        return Outcome(Kind.REFUSED, "paused")
    written = _written(trial, message)

    async def send() -> Outcome:
        async with provider.open_session(TIMEOUT_SECONDS, 1) as session:
            return await provider.send(session, written)

    return asyncio.run(send())


def _written(trial: Trial, message: Message) -> SmsMessage | EmailMessage:
    key, about = str(trial.key), _about(trial)
    if trial.draft.channel == Channel.SMS:
        return SmsMessage(key, trial.to, message.body, about)
    return EmailMessage(key, trial.to, message.subject, message.body, message.html, about)
