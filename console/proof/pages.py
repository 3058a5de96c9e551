"""The public pages of draws: for anybody, without signing in, naming no fan, and without scripts,
but for the one that checks a fan's entry. [X-2, S-8, S-10]

A stranger can ask for them again and again. So each takes a few queries however much was uploaded,
proxies and browsers may keep it, and one client may ask only so often.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, conditional_page, require_safe

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from console.proof import shards
from console.proof.all_draws import committed_draws
from console.proof.bundle import page_json
from console.proof.proof import bundle_key, published_bundle, published_page
from datalake.errors import NoSuchObject
from datalake.storage import buckets
from operations.entry.rate_limit import RateLimit
from operations.entry.requests import client_address

# Of one client. Many fans may share an address, and a proof is large.
PAGES = RateLimit(per_second=5, burst=100)
PROOFS = RateLimit(per_second=0.5, burst=20)
# Thousands of fans behind one address may check their entries at once. Each asks for a page that
# takes one query, and for about ten shards, which take none.
CHECKS = RateLimit(per_second=50, burst=1_000)
SHARDS = RateLimit(per_second=100, burst=2_000)
FOR_EVER = "public, max-age=31536000, immutable"
SHARED_SECONDS = 10  # a proxy may keep a page for so long; a browser asks whether it has changed

View = Callable[..., HttpResponseBase]


def _public(limit: RateLimit) -> Callable[[View], View]:
    """For anybody: safe methods alone, cached, and so often per client."""

    def decorate(view: View) -> View:
        kept = cache_control(public=True, max_age=0, s_maxage=SHARED_SECONDS)(view)

        @wraps(view)
        def limited(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            if wait := limit.wait_seconds(client_address(request)):
                return _too_often(math.ceil(wait))
            return kept(request, *arguments, **named)

        return require_safe(limited)

    return decorate


def _too_often(seconds: int) -> HttpResponse:
    return HttpResponse(
        f"Too many requests. Try again in {seconds} s.\n",
        status=429,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(seconds), "Cache-Control": "no-store"},
    )


def _proof_tag(request: HttpRequest, campaign_id: str) -> str | None:
    """The bundle's ETag, by which a client that has it is not sent it again."""
    sha256 = published_bundle(_opened(campaign_id)).sha256
    return f'"{sha256}"' if sha256 else None


# outermost: what a browser has kept takes its policy from the answer that it has not changed
@csp_replace(settings.PUBLIC_CONTENT_SECURITY_POLICY)
@_public(PAGES)
@conditional_page
def draws_page(request: HttpRequest) -> HttpResponse:
    """Every draw ever committed, newest first; `before` names the last of the page before. [S-8]"""
    try:
        page = committed_draws(request.GET.get("before", ""))
    except Campaign.DoesNotExist as error:
        raise Http404("No draw of this name.") from error
    return render(request, "draws/draws.html", {"page": page})


@csp_replace(settings.PUBLIC_CONTENT_SECURITY_POLICY)
@_public(PAGES)
@conditional_page
def draw_page(request: HttpRequest, campaign_id: str) -> HttpResponse:
    """Commitment, public source, every attempt; the seed and the waves once the campaign is
    closed.
    """
    campaign = _opened(campaign_id)
    bundle = published_bundle(campaign)
    draw = published_page(campaign, bundle)
    context = {"campaign": campaign, "draw": draw, "bundle": bundle}
    return render(request, "draws/draw.html", context)


@_public(PAGES)
@conditional_page
def draw_json(request: HttpRequest, campaign_id: str) -> HttpResponse:
    """The same as JSON, to be kept by who wants to compare later: `verify_draw.py --published`."""
    campaign = _opened(campaign_id)
    return HttpResponse(
        page_json(published_page(campaign, published_bundle(campaign))),
        content_type="application/json; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="draw-{campaign_id}.json"'},
    )


@_public(PROOFS)
@condition(etag_func=_proof_tag)
def draw_bundle(request: HttpRequest, campaign_id: str) -> FileResponse:
    """The proof bundle, once it is made, read piece by piece."""
    campaign, key, bucket = _opened(campaign_id), bundle_key(campaign_id), buckets.scoring()
    if campaign.status == CampaignStatus.OPEN or not bucket.exists(key):
        raise Http404("The proof is published when the campaign has closed.")
    return FileResponse(
        bucket.open(key),
        as_attachment=True,
        filename=f"proof-{campaign_id}.zip",
        content_type="application/zip",
    )


@csp_replace(settings.CHECK_CONTENT_SECURITY_POLICY)
@_public(CHECKS)
@conditional_page
def check_page(request: HttpRequest, campaign_id: str) -> HttpResponse:
    """Check my entry: what a fan types stays in their browser, which reads shards. [X-2]"""
    campaign = _opened(campaign_id)
    bundle = published_bundle(campaign)
    index = f"{bundle.shards_root[: shards.PREFIX_DIGITS]}/{shards.INDEX}"
    files = reverse("draw-shard", args=(campaign_id, index)).removesuffix(shards.INDEX)
    context = {"campaign": campaign, "bundle": bundle, "files": files}
    return render(request, "draws/check.html", context)


@require_safe
def draw_shard(request: HttpRequest, campaign_id: str, name: str) -> HttpResponse:
    """A file of a proof's shards, the same for ever under its address; asks no database. [X-2]"""
    if wait := SHARDS.wait_seconds(client_address(request)):
        return _too_often(math.ceil(wait))
    if not shards.NAME.fullmatch(name):
        raise Http404("No file of this name.")
    try:
        with buckets.scoring().open(shards.key_of(campaign_id, name)) as file:
            content = file.read()
    except NoSuchObject as error:
        raise Http404("No file of this name.") from error
    kind = "application/json" if name.endswith(".json") else "text/plain; charset=utf-8"
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": FOR_EVER})


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
    path("draws/", draws_page, name="draws"),
    path("draws/<slug:campaign_id>", draw_page, name="draw"),
    path("draws/<slug:campaign_id>/", draw_page),
    path("draws/<slug:campaign_id>/check", check_page, name="draw-check"),
    path("draws/<slug:campaign_id>/shards/<path:name>", draw_shard, name="draw-shard"),
    path("draws/<slug:campaign_id>/draw.json", draw_json, name="draw-json"),
    path("draws/<slug:campaign_id>/proof.zip", draw_bundle, name="draw-bundle"),
]
