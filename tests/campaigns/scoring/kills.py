"""A process that ends at a chosen call."""

from __future__ import annotations

from contextlib import contextmanager


class Killed(BaseException):
    """The process is gone: no handler of the product sees this as a failure."""


@contextmanager
def killed_at(monkeypatch, module, name: str, call: int):
    """The process dies when the function is called for the nth time; before it does anything, or
    after.
    """
    calls, real = [0], getattr(module, name)

    def dying(*arguments, **options):
        calls[0] += 1
        if calls[0] == call:
            raise Killed
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dying)
        yield
