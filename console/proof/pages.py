"""The public pages of a draw: for anybody, without signing in, without scripts, naming no fan.
[X-2, S-8, S-10]
"""

from __future__ import annotations

import json

from csp.decorators import csp_replace
from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from console.proof.proof import bundle_key, public_draw, published_bundle
from datalake.storage import buckets


@csp_replace(settings.PUBLIC_CONTENT_SECURITY_POLICY)  # type: ignore[arg-type]  # it knows no views with arguments
@require_safe
def draw_page(request: HttpRequest, campaign_id: str) -> HttpResponse:
    """Commitment, public source, every attempt; the seed and the waves once the campaign is
    closed.
    """
    campaign = _opened(campaign_id)
    context = {
        "campaign": campaign,
        "draw": public_draw(campaign),
        "bundle": published_bundle(campaign),
    }
    return render(request, "draws/draw.html", context)


@require_safe
def draw_json(request: HttpRequest, campaign_id: str) -> HttpResponse:
    """The same as JSON, to be kept by who wants to compare later: `verify_draw.py --published`."""
    content = json.dumps(public_draw(_opened(campaign_id)), indent=1, ensure_ascii=False)
    return HttpResponse(
        content + "\n",
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="draw-{campaign_id}.json"'},
    )


@require_safe
def draw_bundle(request: HttpRequest, campaign_id: str) -> FileResponse:
    """The proof bundle, once it is made."""
    campaign, key, bucket = _opened(campaign_id), bundle_key(campaign_id), buckets.scoring()
    if campaign.status == CampaignStatus.OPEN or not bucket.exists(key):
        raise Http404("The proof is published when the campaign has closed.")
    return FileResponse(
        bucket.open(key),
        as_attachment=True,
        filename=f"proof-{campaign_id}.zip",
        content_type="application/zip",
    )


def _opened(campaign_id: str) -> Campaign:
    """A draft has no draw yet, and is not public."""
    campaign = (
        Campaign.objects.exclude(status=CampaignStatus.DRAFT)
        .filter(campaign_id=campaign_id)
        .first()
    )
    if campaign is None:
        raise Http404("No draw of this name.")
    return campaign


urlpatterns = [
    path("draws/<slug:campaign_id>", draw_page, name="draw"),
    path("draws/<slug:campaign_id>/", draw_page),
    path("draws/<slug:campaign_id>/draw.json", draw_json, name="draw-json"),
    path("draws/<slug:campaign_id>/proof.zip", draw_bundle, name="draw-bundle"),
]
