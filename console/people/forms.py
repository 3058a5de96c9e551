"""What an administrator types about a person: name, e-mail address, role. [O-5]"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError

from campaigns.contacts.addresses import idna_form, is_address
from console.people.accounts import LONGEST_NAME, LONGEST_USERNAME, ROLE_NAMES, Details
from console.roles import SUMMARIES

DETAILS = ("name", "email", "role")
ROLE_CHOICES = [(role, f"{role.capitalize()}: {SUMMARIES[role]}") for role in ROLE_NAMES]


class PersonForm(forms.Form):
    """The same for new people and for those who are there; `user` is who is there."""

    name = forms.CharField(label="Name", max_length=LONGEST_NAME)
    email = forms.CharField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label="Role", choices=ROLE_CHOICES, widget=forms.RadioSelect)

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split(" "))
        if not name.isprintable():
            raise ValidationError("Remove line breaks and invisible characters.")
        return name

    def clean_email(self) -> str:
        """Lower-cased, the domain in its IDNA form: one person has one spelling."""
        local, _, domain = self.cleaned_data["email"].lower().rpartition("@")
        email = f"{local}@{idna_form(domain) or ''}"
        if not is_address(email):
            raise ValidationError("Enter an e-mail address, such as anna@example.com.")
        others = User.objects.exclude(pk=self.user.pk) if self.user else User.objects.all()
        if (other := others.filter(email__iexact=email).first()) is not None:
            raise ValidationError(f"The user {other.username} already has this e-mail address.")
        if others.filter(username__iexact=email).exists():
            raise ValidationError("Another user has this as their user name. Use another address.")
        return email

    def details(self) -> Details:
        return Details(**{name: self.cleaned_data[name] for name in DETAILS})


class InvitationForm(PersonForm):
    username = forms.CharField(
        label="User name",
        required=False,
        max_length=LONGEST_USERNAME,
        help_text="Leave it empty to use the part of the e-mail address before the @.",
    )

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if not name:
            return name
        try:
            UnicodeUsernameValidator()(name)
        except ValidationError as error:
            raise ValidationError("Use letters, digits and . + - _ @ only.") from error
        if "@" in name:
            raise ValidationError("Use the part before the @: users sign in with either.")
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError(f"There is already a user named {name}.")
        return name


class EditForm(PersonForm):
    """Carries what its reader saw, so that a change by somebody else is noticed."""

    role = forms.ChoiceField(
        label="Role",
        required=False,
        choices=[*ROLE_CHOICES, ("", "No role: cannot see any page")],
        widget=forms.RadioSelect,
    )
    read_name, read_email, read_role = (
        forms.CharField(required=False, strip=False, widget=forms.HiddenInput) for _ in range(3)
    )

    @classmethod
    def of(cls, user: User, details: Details) -> EditForm:
        """The form as it is shown first."""
        shown = {"name": details.name, "email": details.email, "role": details.role}
        return cls(user=user, initial=shown | {f"read_{name}": shown[name] for name in shown})

    def read(self) -> Details:
        return Details(
            **{name: self.cleaned_data[f"read_{name}"] for name in ("name", "email", "role")}
        )
