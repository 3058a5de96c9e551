"""Every address the site answers."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from console.proof import pages
from waves.receipts import door

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("console.urls")),
    path("", include(pages)),
    path("receipts/<str:provider>", door.receive, name="receipts"),
    path("admin/", admin.site.urls),
]

handler400 = "console.error_pages.bad_request"
handler403 = "console.error_pages.permission_denied"
handler404 = "console.error_pages.not_found"
handler500 = "console.error_pages.server_error"
