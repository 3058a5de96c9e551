"""Uploads go to a temporary file, piece by piece: only from signed-in staff, and no further than
the limit.

Where the bucket is on S3, the page of score files sends them there itself
(static/fairwave/upload.js); without scripts they come through us as before.
"""

from __future__ import annotations

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse

TOO_LARGE = "upload_was_too_large"
NOT_KEPT = "upload_was_not_kept"


class GuardedUpload(TemporaryFileUploadHandler):
    """The CSRF check reads the body before any view can look who sends it, so the look is taken
    here.

    What is above UPLOAD_MAX_BYTES, or more than the disk holds, is read to its end without being
    kept, so that the browser gets the answer; the request then carries no file, and
    `upload_was_too_large` or why it was not kept.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        user = getattr(self.request, "user", None)
        if user is None or not (user.is_active and user.is_staff):
            raise StopUpload(connection_reset=True)
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.UPLOAD_MAX_BYTES:
            setattr(self.request, TOO_LARGE, True)
            raise StopUpload(connection_reset=False)
        try:
            super().receive_data_chunk(raw_data, start)
            self.file.flush()  # a full disk raises here and not later, where nothing handles it
        except OSError as error:
            setattr(self.request, NOT_KEPT, error.strerror or str(error))
            self.file.close()
            raise StopUpload(connection_reset=False) from error


def may_upload_to(origin: str, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let this one page speak to the bucket's origin as well; the policy of all others stays."""
    csp_update({"connect-src": [SELF, origin]})(lambda request: response)(request)
    return response
