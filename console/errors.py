"""What the console refuses. The message says what, where and what to do."""

from operations.errors import Refusal


class CannotBeErased(Refusal):
    """An erasure was asked for by who may not, or without a reason that can be kept. [X-11]"""
