"""Work in a thread beside training: its order, its exceptions, its end."""

import threading

import pytest

from research.training.background import Background


def test_pieces_are_done_one_after_another_beside_their_giver():
    background, done, may_end = Background(beside=True), [], threading.Event()
    background.do(lambda: (may_end.wait(10), done.append(threading.current_thread())))
    assert not done
    may_end.set()
    background.do(lambda: done.append("second"))
    assert len(done) >= 1
    background.close()
    assert done[0] is not threading.main_thread()
    assert done[1:] == ["second"]


def test_without_a_thread_a_piece_is_done_at_once():
    background, done = Background(beside=False), []
    background.do(lambda: done.append(threading.current_thread()))
    assert done == [threading.main_thread()]
    with pytest.raises(ZeroDivisionError):
        background.do(lambda: 1 / 0)


@pytest.mark.parametrize("asks", ["wait", "do"])
def test_what_fails_is_raised_once_where_it_is_waited_for(asks):
    background, done = Background(beside=True), []
    background.do(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        background.wait() if asks == "wait" else background.do(lambda: done.append("never"))
    background.wait()
    background.close()
    assert done == []
