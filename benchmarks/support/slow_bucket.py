"""A bucket of S3 that answers each request after some milliseconds: the objects are the files of a
folder. Reading alone, as a query of the lake does.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django.test.signals  # noqa: F401 makes the storages anew
from django.conf import settings
from django.core.signals import setting_changed

BUCKET = "slow"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    seconds: float

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        time.sleep(self.seconds)
        name = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
        path = self.folder / name
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        size = path.stat().st_size
        start, end, status = 0, size, 200
        if asked := self.headers.get("Range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end, status = int(first), min(size, int(last or size) + 1), 206
        self.send_response(status)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("ETag", f'"{size}"')
        self.send_header("Last-Modified", formatdate(path.stat().st_mtime, usegmt=True))
        self.end_headers()
        if body:
            with path.open("rb") as file:
                file.seek(start)
                self.wfile.write(file.read(end - start))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base's name
        """Nobody reads a line for each request."""


def serve(folder: str, milliseconds: str) -> None:
    """Serve until standard input ends; the first line says where."""
    _Handler.folder, _Handler.seconds = Path(folder), int(milliseconds) / 1_000
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


@contextmanager
def lake_on_s3(folder: Path, *, milliseconds: int) -> Iterator[None]:
    """Inside, the campaign data bucket is that folder behind S3's interface."""
    arguments = [sys.executable, "-m", "benchmarks.support.slow_bucket", str(folder)]
    process = subprocess.Popen([*arguments, str(milliseconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    options = {
        "bucket_name": BUCKET,
        "location": "",
        "endpoint_url": process.stdout.readline().strip(),
        "access_key": "bench",
        "secret_key": "bench",
        "region_name": "us-east-1",
        "signature_version": "s3v4",
        "addressing_style": "path",
    }
    before = settings.STORAGES
    try:
        _switch(
            before
            | {"campaign-data": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}}
        )
        yield
    finally:
        _switch(before)
        process.kill()
        process.wait()


def _switch(to: dict[str, Any]) -> None:
    settings.STORAGES = to
    """As Django's own tests do it: the storages are made anew of the settings."""
    setting_changed.send(None, setting="STORAGES", value=to, enter=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
