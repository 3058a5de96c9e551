"""A bucket that goes away: a proxy between boto3 and the server that plays Amazon, over real
connections.
"""

from __future__ import annotations

import http.client
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import storages
from pytest_django.fixtures import Settings

from datalake.storage.buckets import DiskBucket
from datalake.storage.objects import BucketUnreachable
from tests.support.cloud import Cloud

ANSWER = (
    b'<?xml version="1.0"?><Error><Code>ServiceUnavailable</Code><Message>away</Message></Error>'
)
NOT_PASSED_ON = {"connection", "content-length", "date", "expect", "server", "transfer-encoding"}


class Outage(StrEnum):
    """How requests end while the bucket is away; with `LOST` it does what it was asked, but its
    answer never arrives.
    """

    UNAVAILABLE = "503"
    FAULT = "500"
    LOST = "lost"


class Proxy:
    """Passes requests on and notes them in order, as `PUT scoring-files/presale/a`; from one of
    them on the bucket is away until it is `back`.
    """

    def __init__(self, upstream: str) -> None:
        self.requests: list[str] = []
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self._away_from, self._how = 0, Outage.UNAVAILABLE
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def go_away(self, how: Outage, *, at: int = 1) -> None:
        """From the nth request from now on."""
        with self._lock:
            self.requests.clear()
            self._away_from, self._how = at, how

    def back(self) -> None:
        """The bucket is back; what was asked of it since it went away stays in `requests`."""
        with self._lock:
            self._away_from = 0

    @property
    def is_away(self) -> bool:
        """Whether a request was refused, and the next would be."""
        return 0 < self._away_from <= len(self.requests)

    def _outage(self, request: str) -> Outage | None:
        with self._lock:
            self.requests.append(request)
            return self._how if self.is_away else None

    def _pass_on(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=60)
        headers = {
            name: value
            for name, value in asked.headers.items()
            if name.lower() not in NOT_PASSED_ON
        }
        connection.request(asked.command, asked.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outage = proxy._outage(f"{self.command} {self.path.partition('?')[0][1:]}")
                if outage in (Outage.UNAVAILABLE, Outage.FAULT):
                    self._answer(int(outage), {}, ANSWER)
                    return
                status, headers, content = proxy._pass_on(self, body)
                if outage is Outage.LOST:
                    self.close_connection = True
                    return
                self._answer(status, headers, content)

            def _answer(self, status: int, headers: Any, content: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in NOT_PASSED_ON:
                        self.send_header(name, value)
                is_head = self.command == "HEAD"
                length = headers.get("Content-Length") if is_head else None
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                if not is_head:
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nothing: `requests` says it."""

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request

        return Handler

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, daemon=True, name="proxy").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def before(cloud: Cloud, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The scoring bucket behind a proxy. boto3 tries each request once: how often it repeats one by
    itself is not what is tested.
    """
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with Proxy(cloud.address) as proxy:
        scoring = settings.STORAGES["scoring"]
        options = scoring["OPTIONS"] | {"endpoint_url": proxy.address}
        settings.STORAGES = settings.STORAGES | {"scoring": scoring | {"OPTIONS": options}}
        storages._storages = {}
        storages.__dict__.pop("backends", None)
        yield proxy


def out_of_reach(patch: pytest.MonkeyPatch, *parts: str, after: int = 0) -> None:
    """Folders that act as a bucket on S3 which does not answer for keys with one of these parts,
    the first few calls aside.
    """
    passed = itertools.count()

    def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(bucket: DiskBucket, key: str, *arguments: Any, **options: Any) -> Any:
            if any(part in key for part in parts) and next(passed) >= after:
                raise BucketUnreachable("S3 did not do it: away")
            return real(bucket, key, *arguments, **options)

        return call

    for name in ("writer", "open", "exists", "size", "list", "found", "delete"):
        patch.setattr(DiskBucket, name, refusing(getattr(DiskBucket, name)))
