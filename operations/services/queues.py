"""One loop for the processes that take messages out of a queue: each message is handled for itself,
what was handled is deleted, what failed stays and comes again. [O-2, O-6, T-1]

    receive → handle each and delete it → do what they ask for → again, until stopped

A message only says that something is to be done: what it asks for is a row by the time that it is
deleted, so whatever dies after that, the sweep finds the row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from operations.services.troubles import Trouble

WAIT_SECONDS: Final = 5  # for the first message; so soon is a request to end obeyed
PAUSE_SECONDS: Final = 1.0  # between two tries of a queue that is away

Message = TypeVar("Message")
Work = TypeVar("Work", bound=Hashable)


class Queue(Protocol[Message]):
    """Where messages come from. What is not deleted after it was received comes again."""

    def receive(self, *, wait_seconds: int) -> Sequence[Message]: ...
    def delete(self, message: Message) -> object: ...


@dataclass(frozen=True)
class Handled(Generic[Work]):
    """What a message asks for. One that `stays` is left to the queue's rule for dead letters."""

    work: Sequence[Work] = ()
    is_unreadable: bool = False
    stays: bool = False


@dataclass(frozen=True)
class Received:
    """How many messages there were, how many of them nobody could read, how many stay in the queue,
    and how much was done of what they asked for.
    """

    messages: int = 0
    unreadable: int = 0
    left: int = 0
    done: int = 0

    def __add__(self, more: Received) -> Received:
        return Received(
            self.messages + more.messages,
            self.unreadable + more.unreadable,
            self.left + more.left,
            self.done + more.done,
        )


def serve(
    queue: Queue[Message],
    handle: Callable[[Message], Handled[Work]],
    do: Callable[[Work], object],
    *,
    trouble: Trouble,
    stop: threading.Event,
    once: bool = False,
) -> Received:
    """Take messages until `stop` is set, which is asked between two things to do; with `once` until
    none is left but those that stay. What several messages of one answer ask for is done once.

    A queue, bucket or database that is away for a while is waited for, and alerts; with `once` its
    error is raised, after everything else of the answer is done.
    """
    total = Received()
    while not stop.is_set():
        with trouble.fenced():
            received, errors = _take(queue, handle, do, stop, 0 if once else WAIT_SECONDS)
            total += received
            if errors:
                raise errors[0]
            trouble.over()
            if once and received.messages == received.left:
                break
        if trouble.error and once:
            raise trouble.error
        while not trouble.may_try and not stop.wait(PAUSE_SECONDS):
            pass
    return total


def _take(
    queue: Queue[Message],
    handle: Callable[[Message], Handled[Work]],
    do: Callable[[Work], object],
    stop: threading.Event,
    wait_seconds: int,
) -> tuple[Received, list[Exception]]:
    """The messages of one answer, and what they ask for; what went wrong with one ends no other."""
    received, work, errors = Received(), dict[Work, None](), list[Exception]()
    for message in queue.receive(wait_seconds=wait_seconds):
        try:
            handled = handle(message)
            work |= dict.fromkeys(handled.work)
            if not handled.stays:
                queue.delete(message)
            received += Received(1, int(handled.is_unreadable), int(handled.stays))
        except Exception as error:  # noqa: BLE001 raised above, after the others
            received += Received(1, left=1)
            errors.append(error)
    for each in work:
        if stop.is_set():  # its row waits, as that of a message that was lost
            break
        try:
            do(each)
            received += Received(done=1)
        except Exception as error:  # noqa: BLE001 raised above, after the others
            errors.append(error)
    return received, errors
