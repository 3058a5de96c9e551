"""Rows edited in forms: under the row's lock, changed fields only, and the second of two editors is
told what the first one changed. [S-16]

A form carries what its reader saw, as a digest for each field (`as_read`). When it comes back, the
row is locked and read again before the form is judged; where a field is no longer as it was read,
nothing is saved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest

from operations.adminkit.listing import TitledAdmin

AS_READ = "as_read"
LONGEST_VALUE = 60
# What a field says: its label, and its value as text.
State = dict[str, tuple[str, str]]


class VersionedForm(forms.ModelForm):
    """A form that knows what its reader saw. `LockedEditing` puts the field on the page."""

    as_read = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        compare_with_the_row(self)
        if self.instance.pk is None:
            del self.fields[AS_READ]
            return
        self.initial[AS_READ] = json.dumps(
            {key: _digest(text) for key, (_, text) in self.state().items()}
        )

    def state(self) -> State:
        """What can be edited here, as the row is now: by a key, label and value."""
        return {
            name: (str(field.label or name), text_of(self.initial.get(name)))
            for name, field in self.fields.items()
            if name != AS_READ and name in self.initial and not field.disabled
        }

    def last_edit(self) -> tuple[str, datetime] | None:
        """Who saved the row last, and when, as far as it is known."""
        entry = (
            LogEntry.objects.filter(
                content_type=ContentType.objects.get_for_model(self.instance),
                object_id=str(self.instance.pk),
            )
            .select_related("user")
            .order_by("-action_time")
            .first()
        )
        return (entry.user.get_username(), entry.action_time) if entry else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk is not None:
            self._require_as_read()
        return cleaned

    def _require_as_read(self) -> None:
        now, read = self.state(), _parsed(self.data.get(self.add_prefix(AS_READ)))
        if read is None:
            raise ValidationError("This page is incomplete. Open it again, then make your changes.")
        changed = [
            f"{label} (now “{_shortened(text)}”)"
            for key, (label, text) in now.items()
            if read.get(key) != _digest(text)
        ]
        removed = len(read.keys() - now.keys())
        if not changed and not removed:
            return
        edit = self.last_edit()
        who = f"{edit[0]} saved changes at {edit[1]:%H:%M} UTC" if edit else "Someone saved changes"
        what = [*changed, *([f"{removed} removed"] if removed else [])]
        raise ValidationError(
            f"{who} while you were editing: {'; '.join(what)}. Your changes were not saved. Open"
            " this page again and repeat them."
        )


class LockedEditing(TitledAdmin):
    """Put it before other bases; the form is a VersionedForm."""

    form: type[forms.ModelForm] = VersionedForm

    def lock(self, request: HttpRequest, row: Any) -> None:
        """Lock what the request changes until the transaction ends, in the one order of locks."""
        type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The row as it is now; locked before it is changed."""
        found = super().get_object(request, object_id, from_field)
        if found is None or request.method != "POST":
            return found
        self.lock(request, found)
        return super().get_object(request, object_id, from_field)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [name for name in super().get_fields(request, obj) if name != AS_READ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return found
        return [*found, (None, {"fields": [AS_READ]})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        if names := changed_columns(obj, form.changed_data):
            obj.save(update_fields=names)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        formset.save(commit=False)
        for row in formset.deleted_objects:
            row.delete()
        for row, changed in formset.changed_objects:
            row.save(update_fields=changed_columns(row, changed))
        for row in formset.new_objects:
            row.save(force_insert=True)
        formset.save_m2m()


def compare_with_the_row(form: forms.BaseForm) -> None:
    """What was changed is found by comparing with the locked row. Where a column's default is
    computed, Django would compare with what the page said instead.
    """
    for field in form.fields.values():
        field.show_hidden_initial = False


def changed_columns(row: Model, names: Sequence[str]) -> list[str]:
    """Those of the names that are columns of the row's own table."""
    columns = {field.name for field in row._meta.concrete_fields}
    return [name for name in names if name in columns]


def text_of(value: Any) -> str:
    """A field's value as people read it; the same value, the same text."""
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list | tuple):
        rows = all(isinstance(each, Model) for each in value)
        texts = [str(each) for each in value]
        return ", ".join(sorted(texts) if rows else texts) or "empty"
    return str(value)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _parsed(text: Any) -> Mapping[str, str] | None:
    """What a form came back with; None if it is not what was sent."""
    try:
        read = json.loads(text or "")
    except ValueError:
        return None
    return read if isinstance(read, dict) else None
