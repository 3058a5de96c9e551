"""What every list of the operators' site is built from: read-only lists, lists of millions, masked
columns. [O-5, O-7]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.exceptions import (
    DisallowedModelAdminLookup,
    DisallowedModelAdminToField,
)
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import IntegrityError, transaction
from django.db.models import Model, ProtectedError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from operations.adminkit import deleting, unmasking
from operations.adminkit.paging import AFTER, BEFORE, EstimatePaginator, KeysetChangeList
from operations.adminkit.plaintext import visible
from operations.entry.values import shown
from operations.errors import Refusal

# what an address may ask of a list and cannot have: a filter that is not there, a value of another
# type, a page behind the last
UNANSWERABLE = (
    IncorrectLookupParameters,
    DisallowedModelAdminLookup,
    DisallowedModelAdminToField,
)
MOST_PARAMETERS = 20
Mask = Callable[[str], str]

MOST_DIGITS = 18  # of a row's number
# columns whose name for people is not that of their field
NAMES: Mapping[str, str] = {"global_user_id": "fan id", "waitlist": "waiting list"}


class RowSelect(AutocompleteSelect):
    """Django's own looks up whatever was sent, and fails on what is no number of a row: the page
    that says so could not be shown.
    """

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        rows = [each for each in value if str(each).isdecimal() and len(str(each)) <= MOST_DIGITS]
        return super().optgroups(name, rows, attr)


class TitledAdmin(ModelAdmin):
    """A list is titled by what it lists: a tab of the browser that says "Select job to view" helps
    nobody find it again. Rows are deleted one by one, and what cannot be deleted says so in one
    sentence.
    """

    actions = None

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = RowSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is deleted with the rows. Raises ProtectedError where one of them is kept."""
        if kept_by := {each for row in objs for each in deleting.protecting(row)}:
            raise ProtectedError("kept by other rows", kept_by)
        return super().get_deleted_objects(objs, request)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except Refusal as refusal:
            said = str(refusal)
        except ProtectedError as error:
            said = self._refusal(request, object_id, error.protected_objects)
        except IntegrityError:  # a trigger or a constraint keeps it
            said = self._refusal(request, object_id, ())
        messages.error(request, said)
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[object_id]))

    def _refusal(self, request: HttpRequest, object_id: str, kept_by: Iterable[Model]) -> str:
        row = self.get_queryset(request).get(pk=unquote(object_id))
        return deleting.refusal(row, kept_by)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list as the address asks for it. What it asks for and cannot have is ignored, and the
        page says so, instead of an error or Django's redirect without a word.
        """
        try:
            return _without_a_way_back(super().get_changelist_instance(request))
        except UNANSWERABLE:
            request.GET, ignored = self._answerable(request)  # type: ignore[assignment]
        messages.warning(request, f"Ignored in the address of this page: {', '.join(ignored)}.")
        return _without_a_way_back(super().get_changelist_instance(request))

    def _answerable(self, request: HttpRequest) -> tuple[QueryDict, list[str]]:
        """The parameters that can be had together, taken one by one; and the others as they were
        asked for.
        """
        asked, kept, ignored = request.GET, QueryDict(mutable=True), list[str]()
        for name in [*asked][:MOST_PARAMETERS]:
            tried = kept.copy()
            tried.setlist(name, asked.getlist(name))
            request.GET = tried  # type: ignore[assignment]
            try:
                super().get_changelist_instance(request)
            except UNANSWERABLE:
                ignored += [f"{shown(name)} = {shown(value)}" for value in asked.getlist(name)[:1]]
            else:
                kept.setlist(name, asked.getlist(name))
        return kept, ignored or ["too many parameters"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new row's form is empty: what an address says was judged by no field."""
        return {}


def _without_a_way_back(found: ChangeList) -> ChangeList:
    """The theme offers to show all where the whole is not counted, also where all is shown."""
    if found.full_result_count is None and not (found.query or found.get_filters_params()):
        found.full_result_count = found.result_count
    return found


class ReadOnlyAdmin(TitledAdmin):
    """Rows that only jobs write: they are not added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class PageAdmin(ReadOnlyAdmin):
    """A list whose rows lead to a page of their own; `page` is the name of its address and
    `page_key` the field it takes.
    """

    page: ClassVar[str]
    page_key: ClassVar[str] = "pk"

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        is_sent = request.method == "POST"  # nothing is changed here, so Django's own refuses it
        if is_sent or found is None or not self.has_view_permission(request, found):
            return super().change_view(request, object_id, *args, **kwargs)
        return HttpResponseRedirect(reverse(self.page, args=[getattr(found, self.page_key)]))


class Masking(TitledAdmin):
    """Personal columns are masked unless the person has asked to see them. Nothing can be filtered
    or sorted by them: a filter on a hidden column would tell what it hides.
    """

    personal: ClassVar[Mapping[str, Mask]] = {}
    list_before_template = "console/people/unmask.html"
    # outside of the row's form: it is a form itself
    change_form_outer_before_template = "console/people/unmask.html"
    sortable_by: Sequence[str] = ()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._as_shown(request, super().get_list_display(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), **_privacy(request)})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **_privacy(request)}
        )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        named = {
            str(item[0] if isinstance(item, tuple) else item)
            for item in self.get_list_filter(request)
        }
        for how in ("__exact", "__isnull", "__id"):  # as the filters of the page itself ask
            lookup = lookup.removesuffix(how)
        return lookup in named

    def _as_shown(self, request: HttpRequest, names: Sequence[Any]) -> list[Any]:
        hidden = {} if unmasking.shown(request) else self.personal
        return [
            masked(name, hidden[name], getattr(self, name, None))
            if name in hidden
            else plain(name)
            if name in NAMES
            else name
            for name in names
        ]


class MaskedAdmin(Masking, ReadOnlyAdmin):
    """The same for rows that are not written by hand; a row's own page is masked too."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return self._as_shown(request, self.fields or [field.name for field in self.opts.fields])

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return self.get_fields(request, obj)


def _privacy(request: HttpRequest) -> dict[str, bool]:
    return {
        "personal_data_shown": unmasking.shown(request),
        "may_show_personal_data": unmasking.may_show(request),
    }


@cache
def masked(
    field: str, mask: Mask, read: Callable[[Any], str] | None = None
) -> Callable[[Any], str]:
    """A column that shows `field` (or what `read` makes of the row) through `mask`; the same one
    each time it is asked for.
    """

    def column(row: Any) -> str:
        return mask((read(row) if read else getattr(row, field)) or "")

    column.__name__ = field
    column.short_description = _name_of(field)  # type: ignore[attr-defined]
    return column


@cache
def counted(field: str) -> Callable[[Any], str]:
    """A column of whole numbers as people read them: 9,704,935."""
    return _column(field, lambda value: f"{value:,}")


@cache
def sized(field: str) -> Callable[[Any], str]:
    """A column of bytes with their unit: 9.3 MB."""
    return _column(field, filesizeformat)


@cache
def shortened(field: str) -> Callable[[Any], str]:
    """A column of digests: enough to tell them apart; a row's own page has the whole."""
    return _column(field, lambda digest: f"{digest[:12]}…" if len(digest) > 12 else digest)


@cache
def plain(field: str) -> Callable[[Any], str]:
    """A column of text that others wrote: every character of it is seen."""
    return _column(field, visible)


def _name_of(field: str) -> str:
    return NAMES.get(field, field.replace("_", " "))


def _column(field: str, show: Callable[[Any], str]) -> Callable[[Any], str]:
    def column(row: Any) -> str:
        value = getattr(row, field)
        return "–" if value is None else show(value)

    column.__name__ = field
    column.short_description = _name_of(field)  # type: ignore[attr-defined]
    return column


class BigTableAdmin(TitledAdmin):
    """Mix in before the others: pages by key, no COUNT(*), no facets, no search by text, no sort by
    columns without index.
    """

    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = EstimatePaginator
    list_per_page = 50
    sortable_by: Sequence[str] = ()
    # filter → the field that is unique within it and indexed with it; without one the newest rows
    # come first
    keys: ClassVar[Mapping[str, str]] = {}

    def key_for(self, filters: Mapping[str, Any]) -> tuple[str, bool]:
        """The field that orders the page and whether it descends."""
        for name, field in self.keys.items():
            if name in filters:
                return field, False
        return "pk", True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def get_changelist_instance(self, request: HttpRequest) -> KeysetChangeList:
        asked = request.GET.copy()
        after, before = (_number(asked.pop(name, [None])[-1]) for name in (AFTER, BEFORE))
        request.edges = (after, before)  # type: ignore[attr-defined]
        request.GET = asked  # type: ignore[assignment]
        return super().get_changelist_instance(request)


def _number(text: str | None) -> str | None:
    return text if text and text.isascii() and text.isdigit() and len(text) < 19 else None
