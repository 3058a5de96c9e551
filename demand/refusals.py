"""What a change event is refused for: a value for its error file, raised where it is found. Pure."""

from demand.choices import ErrorType


class BadEvent(Exception):
    """This event cannot be archived. The message names the field and what is wrong, never a value."""

    def __init__(self, error_type: ErrorType, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
