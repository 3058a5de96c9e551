"""The public addresses of the console; the operators' pages hang below the admin site."""

from console import draw_pages

urlpatterns = [*draw_pages.urlpatterns]
