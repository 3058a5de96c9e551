"""Every address the site answers."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from console import draw_pages
from waves import receipts

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("console.urls")),
    path("", include(draw_pages)),
    path("receipts/<str:provider>", receipts.receive, name="receipts"),
    path("admin/", admin.site.urls),
]
