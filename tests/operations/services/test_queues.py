"""The loop of the processes that take messages out of a queue. [O-6, T-1]"""

from __future__ import annotations

import threading

import pytest

from operations.services.queues import Handled, Received, serve
from operations.services.troubles import Trouble

pytestmark = pytest.mark.django_db


class Queue:
    """Answers of up to three messages; what is not deleted comes again. `work` is what their jobs
    did.
    """

    def __init__(self, *messages: str) -> None:
        self.messages, self.work = list(messages), list[str]()
        self.stop = threading.Event()

    def receive(self, *, wait_seconds: int) -> list[str]:
        return self.messages[:3]

    def delete(self, message: str) -> None:
        self.messages.remove(message)

    def handle(self, message: str) -> Handled[str]:
        """`a+b` asks for the jobs a and b."""
        if message == "broken":
            raise ZeroDivisionError("a fault of ours")
        if message == "unreadable":
            return Handled(is_unreadable=True, stays=True)
        return Handled(message.split("+"))

    def do(self, job: str) -> None:
        if job == "fails":
            raise OSError("the bucket is away")
        if job == "stops":
            self.stop.set()
        self.work.append(job)

    def serve(self, *, once: bool = True) -> Received:
        trouble = Trouble("Queue", "of a test", page="/admin/")
        return serve(self, self.handle, self.do, trouble=trouble, stop=self.stop, once=once)


def test_o6_what_several_messages_ask_for_is_done_once_and_they_are_deleted():
    queue = Queue("a+b", "b", "a", "c")
    assert queue.serve() == Received(messages=4, done=3)
    assert (queue.work, queue.messages) == (["a", "b", "c"], [])


def test_t1_a_message_that_cannot_be_handled_stays_and_ends_no_other():
    queue = Queue("broken", "a")
    with pytest.raises(ZeroDivisionError):
        queue.serve()
    assert (queue.work, queue.messages) == (["a"], ["broken"])


def test_t1_a_job_that_fails_ends_no_other_of_the_same_messages():
    queue = Queue("fails+a", "b")
    with pytest.raises(OSError, match="away"):
        queue.serve()
    assert (queue.work, queue.messages) == (["a", "b"], [])


def test_once_ends_when_only_messages_are_left_that_stay():
    queue = Queue("unreadable", "a")
    assert queue.serve() == Received(messages=3, unreadable=2, left=2, done=1)
    assert queue.messages == ["unreadable"]


def test_a_stop_is_obeyed_between_two_jobs_and_the_rows_of_the_others_wait():
    queue = Queue("stops+a", "b")
    assert queue.serve(once=False) == Received(messages=2, done=1)
    assert (queue.work, queue.messages) == (["stops"], [])
