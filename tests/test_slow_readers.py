"""A slow reader never grows the server: what it will not miss is dropped first, then it is cut; nobody else notices."""

import queue
from types import SimpleNamespace

import pytest
from engineio import packet

from chatapp.realtime import slow_readers

TYPING = '2/chat,["typing",{}]'
MESSAGE = '2/chat,["newMessage",{}]'


class Reader:
    """Never reads. Background work is done at once."""

    def __init__(self):
        self.queue, self.closed = queue.Queue(), []
        reason = SimpleNamespace(TRANSPORT_ERROR="transport error")
        self.server = SimpleNamespace(reason=reason, start_background_task=lambda act, *given: act(*given))

    def close(self, **how):
        self.closed.append(how)

    def is_sent(self, text, times=1):
        for _ in range(times):
            sent = packet.Packet(packet.MESSAGE, text)
            if not self.closed and slow_readers.may_wait(self, sent):
                self.queue.put(sent)


@pytest.fixture
def slow():
    return Reader()


@pytest.fixture
def quick():
    return Reader()


def test_a_reader_that_keeps_up_gets_everything(quick):
    for text in (TYPING, MESSAGE) * 20:
        quick.is_sent(text)
        quick.queue.get()
    quick.is_sent(TYPING)
    assert quick.queue.qsize() == 1


def test_what_nobody_will_miss_is_dropped_first(slow):
    slow.is_sent(MESSAGE, slow_readers.PASSING_MAX)
    slow.is_sent(TYPING, 500)
    assert slow.queue.qsize() == slow_readers.PASSING_MAX
    slow.is_sent(MESSAGE)
    assert slow.queue.qsize() == slow_readers.PASSING_MAX + 1 and slow.closed == []


def test_few_but_large_are_much_too_and_one_alone_is_not(slow):
    large = MESSAGE + "x" * 400_000
    slow.is_sent(MESSAGE + "x" * 4_000_000)
    assert slow.closed == []
    slow.is_sent(large)
    assert len(slow.closed) == 1 and slow.queue.qsize() == 1
    other = Reader()
    other.is_sent(large, 3)
    assert other.closed == [] and other.queue.qsize() == 3
    other.is_sent(large)
    assert len(other.closed) == 1


def test_then_it_is_cut_and_what_waited_is_let_go(slow):
    slow.is_sent(MESSAGE, slow_readers.PACKETS_MAX)
    assert slow.closed == [] and slow.queue.qsize() == slow_readers.PACKETS_MAX
    slow.is_sent(MESSAGE, 50)
    assert slow.closed == [{"wait": False, "abort": True, "reason": "transport error"}]
    assert list(slow.queue.queue) == [None]  # which ends its writer


def test_long_messages_weigh_more(slow):
    slow.is_sent(MESSAGE + "x" * 50_000, 200)
    assert len(slow.closed) == 1 and slow_readers.weight(slow) == 0


def test_nothing_is_added_while_it_is_being_cut(slow):
    cuts = []
    slow.server.start_background_task = lambda *given: cuts.append(given)  # not come to it yet
    slow.is_sent(MESSAGE, slow_readers.PACKETS_MAX + 500)
    assert (len(cuts), slow.queue.qsize()) == (1, slow_readers.PACKETS_MAX)


def test_nobody_else_notices(slow, quick):
    slow.is_sent(MESSAGE, slow_readers.PACKETS_MAX + 50)
    quick.is_sent(TYPING, 10)
    assert quick.queue.qsize() == 10 and quick.closed == []
