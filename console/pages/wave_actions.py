"""What a person does to a wave: approve, schedule, send, pause, resume, reset, cancel; and stopping
everything. POST only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from console.access import (
    LONGEST_REASON,
    StaffRequest,
    action,
    attempt,
    complaint_of,
    page,
    reason_of,
    render,
)
from console.wave_forms import NotifyDateForm, SoftStartForm
from operations.entry import values
from operations.errors import BadValue
from waves import actions, approval, rights, schedule
from waves.choices import Channel, Settling, WaveState
from waves.errors import BadNotifyDate, BadSoftStart
from waves.models import ProviderAccount, Wave
from waves.receipts import counts
from waves.review import looks
from waves.sending import accounts, results, settling, triggering
from waves.sending import tasks as sending_tasks

RECEIPT_DAYS = 7  # of which the page of the providers counts what had no effect


def _do(
    request: StaffRequest, name: str, work: Callable[[Wave], Any], done: str = ""
) -> HttpResponse:
    wave = get_object_or_404(Wave.objects.select_related("campaign"), name=name)
    return attempt(request, lambda: work(wave), done, back=reverse("wave", args=[name]))


@action(*rights.APPROVE)
def approve(request: StaffRequest, name: str) -> HttpResponse:
    """Approves the content whose digest stood on the page that was looked at. [X-5]"""

    def work(wave: Wave) -> None:
        digest, waiver = request.POST.get("digest", ""), reason_of(request, "waiver")
        seen = values.whole_of_text("preflight", request.POST.get("preflight", "") or "0")
        approval.approve(
            wave,
            by=request.user,
            digest=digest,
            now=timezone.now(),
            waiver=waiver,
            seen_preflight=seen,
        )

    return _do(request, name, work, "The wave is approved. It can be scheduled.")


@action(*rights.APPROVE)
def looked(request: StaffRequest, name: str) -> HttpResponse:
    """The page was shown to somebody who may approve it: their next look shows what changed since.
    [X-5]
    """
    wave = get_object_or_404(Wave, name=name)
    looks.look(wave, request.user, digest=request.POST.get("digest", ""), now=timezone.now())
    return HttpResponse(status=204)


@action(*rights.SCHEDULE)
def put_on_schedule(request: StaffRequest, name: str) -> HttpResponse:
    def work(wave: Wave) -> None:
        schedule.schedule(wave, by=request.user, now=timezone.now(), reason=reason_of(request))

    return _do(
        request, name, work, "The wave is scheduled. It is sent automatically at its notify date."
    )


@action(*rights.SCHEDULE)
def unschedule(request: StaffRequest, name: str) -> HttpResponse:
    def work(wave: Wave) -> None:
        schedule.unschedule(wave, by=request.user, reason=reason_of(request))

    return _do(request, name, work, "The wave is unscheduled. It stays approved.")


@action(*rights.SEND)
def trigger(request: StaffRequest, name: str) -> HttpResponse:
    """Send a wave that is due, or a held one by a person's decision."""

    def work(wave: Wave) -> None:
        triggering.trigger(wave, by=request.user, now=timezone.now(), reason=reason_of(request))
        sending_tasks.wake_senders([wave])

    return _do(request, name, work, "The wave is being sent.")


@action(*rights.PREPARE)
def reschedule(request: StaffRequest, name: str) -> HttpResponse:
    """A new notify date for a prepared or held wave. [W-2]"""

    def work(wave: Wave) -> None:
        form = NotifyDateForm(request.POST, campaign=wave.campaign)
        if not form.is_valid():
            raise BadNotifyDate(complaint_of(form))
        actions.reschedule(wave, by=request.user, now=timezone.now(), **form.cleaned_data)

    return _do(
        request, name, work, "The notify date is changed. Another person has to approve the wave."
    )


@action(*rights.PREPARE)
def choose_soft_start(request: StaffRequest, name: str) -> HttpResponse:
    """How many fans of a prepared wave are notified first. [N-9]"""

    def work(wave: Wave) -> None:
        form = SoftStartForm(request.POST)
        if not form.is_valid():
            raise BadSoftStart(complaint_of(form))
        actions.choose_soft_start(wave, by=request.user, **form.cleaned_data)

    return _do(
        request, name, work, "The soft start is saved. Another person has to approve the wave."
    )


@action(*rights.SEND)
def pause(request: StaffRequest, name: str) -> HttpResponse:
    def work(wave: Wave) -> None:
        actions.pause(wave, by=request.user, reason=reason_of(request))

    return _do(
        request,
        name,
        work,
        "Sending is paused. No new messages start. Messages in flight are finished.",
    )


@action(*rights.SEND)
def resume(request: StaffRequest, name: str) -> HttpResponse:
    def work(wave: Wave) -> None:
        actions.resume(wave, by=request.user, reason=reason_of(request))
        sending_tasks.wake_senders([wave])

    return _do(request, name, work, "Sending is resumed.")


@action(*rights.SEND)
def retry_failed(request: StaffRequest, name: str) -> HttpResponse:
    """The failed messages again, of a channel or of both, with their keys, and only they. [N-7]"""

    def work(wave: Wave) -> None:
        results.retry_failed(wave.pk, _channel(request))
        sending_tasks.wake_senders([wave])

    return _do(request, name, work, "The failed messages are being sent again.")


@action(*rights.SEND)
def settle(request: StaffRequest, name: str) -> HttpResponse:
    """A person says what became of the unknown messages. [N-4]"""

    def work(wave: Wave) -> None:
        how = Settling(values.word("settling", request.POST.get("settling", ""), Settling.values))
        settling.settle(
            wave.pk, how, by=request.user, reason=reason_of(request), channel=_channel(request)
        )
        if how == Settling.AGAIN:
            sending_tasks.wake_senders([wave])

    return _do(request, name, work, "The unknown messages are settled.")


def _channel(request: StaffRequest) -> Channel | None:
    """The channel that was chosen; None: both."""
    chosen = request.POST.get("channel", "")
    return Channel(values.word("channel", chosen, Channel.values)) if chosen else None


@action(*rights.SEND)
def cancel(request: StaffRequest, name: str) -> HttpResponse:
    """The wave, or what a completed one still has to send. [W-2, N-6]"""

    def work(wave: Wave) -> str:
        actions.cancel(wave, by=request.user, reason=reason_of(request))
        if wave.state == WaveState.CANCELLED:
            return "The wave is cancelled. Its page says which fans and codes are free again."
        return "The queue is cancelled. Its messages are not sent."

    return _do(request, name, work)


@action(*rights.RESET)
def reset(request: StaffRequest, name: str) -> HttpResponse:
    def work(wave: Wave) -> None:
        actions.reset(wave, by=request.user, reason=reason_of(request))

    return _do(
        request, name, work, "The wave can be prepared again. Its codes stay reserved for it."
    )


@action(*rights.STOP_ALL)
def stop_all(request: StaffRequest) -> HttpResponse:
    """Every provider's account pauses within two seconds, however long the reason is. [N-6]"""

    def stop() -> str:
        reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
        if not reason:
            raise BadValue("reason", "enter one. The person who resumes sending needs to know it.")
        stopped = accounts.stop_all(reason, by=request.user)
        if not stopped:
            return "All sending was already stopped."
        return (
            f"All sending is stopped: {', '.join(stopped)}. Resume each provider on the"
            " Providers page."
        )

    return attempt(request, stop, back=reverse("admin:index"))


@page("waves.view_provideraccount")
def providers(request: StaffRequest) -> HttpResponse:
    without_effect = counts.of_last_days(RECEIPT_DAYS)
    return render(
        request,
        "console/waves/providers.html",
        "Providers",
        accounts=[
            (account, without_effect.get(account.name, {}))
            for account in accounts.with_who_stopped_them()
        ],
        days=RECEIPT_DAYS,
    )


@action(*rights.RESUME_PROVIDER)
def resume_provider(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a paused account send again, and wake the senders of the waves that it stopped."""
    account = get_object_or_404(ProviderAccount, pk=pk)

    def resume_it() -> str:
        reason = reason_of(request)
        if not reason:
            raise BadValue("reason", "enter one. It is logged.")
        if not accounts.resume(account.name, by=request.user, reason=reason):
            return f"Sending through {account.name} was not stopped."
        sending_tasks.wake_senders(Wave.objects.filter(state=WaveState.TRIGGERED))
        return f"Sending through {account.name} is resumed."

    return attempt(request, resume_it, back=reverse("providers"))
