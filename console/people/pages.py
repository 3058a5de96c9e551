"""The pages of users and roles. A view checks a permission and calls one shell. [O-5]"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from console.access import StaffRequest, action, attempt, form_page, page, render
from console.forms import ReasonForm
from console.people import accounts, links, rights
from console.people.accounts import NotAllowedNow
from console.people.forms import EditForm, InvitationForm
from console.sign_in import attempts
from operations.models import StatusChange


@form_page("auth.add_user", accounts.RIGHT)
def invite(request: StaffRequest) -> HttpResponse:
    """One form makes a user with a role and sends them a link."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            link = links.create_for_new(
                form.details(), username=form.cleaned_data["username"], by=request.user
            )
        except NotAllowedNow as refusal:
            form.add_error(None, str(refusal))
        else:
            return _hand_over(request, link)
    return render(request, "console/people/invite.html", "Invite a user", form=form)


@form_page(accounts.RIGHT)
def user(request: StaffRequest, pk: int) -> HttpResponse:
    """A user: name, e-mail address, role; what else can be done; what happened."""
    shown = get_object_or_404(accounts.people(), pk=pk)
    if request.method == "POST":
        form = EditForm(request.POST, user=shown)
        if form.is_valid():
            try:
                accounts.change(pk, read=form.read(), wanted=form.details(), by=request.user)
            except NotAllowedNow as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "The changes were saved.")
                return HttpResponseRedirect(reverse("user", args=[pk]))
    else:
        form = EditForm.of(shown, accounts.details_of(shown))
    return render(
        request,
        "console/people/user.html",
        shown.get_full_name() or shown.username,
        shown=shown,
        form=form,
        role=accounts.role_of(shown),
        has_password=accounts.has_password(shown),
        failed_sign_ins=attempts.failures_of(shown.username, shown.email),
        history=StatusChange.objects.about(accounts.subject_of(shown))
        .select_related("by")
        .order_by("-id")[:50],
    )


@action(accounts.RIGHT)
def send_link(request: StaffRequest, pk: int) -> HttpResponse:
    """A new link, for somebody whose invitation expired or who forgot the password."""
    get_object_or_404(accounts.people(), pk=pk)
    try:
        link = links.create(pk, by=request.user)
    except NotAllowedNow as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("user", args=[pk]))
    return _hand_over(request, link)


@action(accounts.RIGHT)
def deactivate(request: StaffRequest, pk: int) -> HttpResponse:
    get_object_or_404(accounts.people(), pk=pk)
    back, form = reverse("user", args=[pk]), ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Enter a reason of at least 5 characters.")
        return HttpResponseRedirect(back)
    reason = form.cleaned_data["reason"]
    return attempt(
        request,
        lambda: accounts.deactivate(pk, by=request.user, reason=reason),
        "The user is deactivated and signed out everywhere.",
        back=back,
    )


@action(accounts.RIGHT)
def reactivate(request: StaffRequest, pk: int) -> HttpResponse:
    get_object_or_404(accounts.people(), pk=pk)
    return attempt(
        request,
        lambda: accounts.reactivate(pk, by=request.user),
        "The user is active again.",
        back=reverse("user", args=[pk]),
    )


@action(accounts.RIGHT)
def forget_failures(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a user who is locked out try again at once."""
    shown = get_object_or_404(accounts.people(), pk=pk)
    return attempt(
        request,
        lambda: attempts.forget(shown.username, shown.email),
        "Failed sign-ins of this user are forgotten. The user can try again now.",
        back=reverse("user", args=[pk]),
    )


@page("auth.view_group")
def roles(request: StaffRequest) -> HttpResponse:
    """What each role may do."""
    return render(
        request,
        "console/people/roles.html",
        "Roles",
        summaries=rights.summaries(),
        groups=rights.by_role(),
    )


def _hand_over(request: StaffRequest, link: links.Link) -> HttpResponse:
    """Say that the link was sent, or show it, once, to be copied."""
    is_configured = links.is_mail_configured()
    if is_configured and link.user.email and links.mail(link, by=request.user):
        messages.success(request, f"A link to choose a password was sent to {link.user.email}.")
        return HttpResponseRedirect(reverse("user", args=[link.user.pk]))
    return render(
        request,
        "console/people/link.html",
        "Link to choose a password",
        link=link,
        is_mail_configured=is_configured,
        hours=links.hours(),
    )
