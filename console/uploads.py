"""Uploads go to a temporary file, piece by piece: only from signed-in staff, and no further than the limit."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler

TOO_LARGE = "upload_was_too_large"


class GuardedUpload(TemporaryFileUploadHandler):
    """The CSRF check reads the body before any view can look who sends it, so the look is taken here.

    What is above UPLOAD_MAX_BYTES is read to its end without being kept, so that the browser hears the answer; the request
    then carries no file and `upload_was_too_large`.
    """

    def handle_raw_input(self, input_data: Any, META: dict[str, Any], content_length: int, *args: Any, **kwargs: Any) -> None:
        user = getattr(self.request, "user", None)
        if user is None or not (user.is_active and user.is_staff):
            raise StopUpload(connection_reset=True)
        if content_length > settings.UPLOAD_MAX_BYTES:
            self._refuse()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.UPLOAD_MAX_BYTES:
            self._refuse()
        super().receive_data_chunk(raw_data, start)

    def _refuse(self) -> None:
        setattr(self.request, TOO_LARGE, True)
        raise StopUpload(connection_reset=False)
