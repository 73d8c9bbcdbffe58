"""Visitors take turns on the device."""

import pytest

from vp.ui.turns import LOST_S, QUICK, Ticket, Turns


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def turns(clock):
    return Turns(most_begun=2, clock=clock)


def joined(turns, *names, **also):
    """Tickets of visitors called by the first letter of their names, a second apart."""
    tickets = []
    for name in names:
        turns.clock.now += 1
        tickets.append(Ticket(name[0], **also))
        turns.join(tickets[-1])
    return tickets


def served(turns):
    """The visitors in the order in which their jobs get the device, each for five seconds."""
    order = []
    while turns.holder is not None:
        order.append(turns.holder.visitor)
        turns.clock.now += 5
        turns.leave(turns.holder)
    return order


def test_who_asks_ten_times_waits_for_everybody_else_between_any_two(turns):
    joined(turns, *["a"] * 10, "b", "c", "b")
    assert "".join(served(turns)) == "abcabaaaaaaaa"


def test_nobody_is_overtaken_for_ever_by_one_who_always_comes_anew(turns):
    joined(turns, "a", "a", "b")
    order = []
    for _ in range(4):
        order.append(turns.holder.visitor)
        turns.clock.now += 5
        turns.leave(turns.holder)
        joined(turns, "b")
    assert order.count("a") == 2


def test_a_place_counts_those_before_and_their_seconds(turns):
    running, second, mine = joined(turns, "a", "a", "b", seconds=4.0)
    running.used = 3.0
    assert turns.place(running) == (0, 0)
    assert turns.place(mine) == (1, 1.0), "a's second job comes after b's first"
    assert turns.place(second) == (2, 5.0)


def test_a_finger_that_drags_waits_for_a_slice_of_the_same_visitor_s_prediction_not_for_its_end(turns):
    prediction, other = joined(turns, "a", "b")
    (between,) = joined(turns, "a", kind=QUICK)
    turns.pass_on(prediction)
    assert turns.holder is other, "others come first, as ever"
    turns.leave(other)
    assert turns.holder is between
    turns.leave(between)
    assert turns.holder is prediction


def test_a_long_job_lets_others_pass_between_its_steps_and_only_a_few_are_begun(turns):
    long, short, other = joined(turns, "a", "b", "c", seconds=60.0)
    turns.pass_on(long)
    assert turns.holder is short and not long.called.is_set()
    turns.clock.now += 10
    turns.pass_on(short)
    assert turns.holder is long, "two are begun, so that the third does not begin yet"
    turns.leave(long)
    turns.leave(short)
    assert turns.holder is other, "who has just had a turn comes after who waits"
    turns.pass_on(other)
    assert turns.holder is other, "nobody else waits"


def test_learning_and_predicting_pass_each_other(turns):
    first, second = joined(turns, "a", "b", kind="learning", slice_s=1.0)
    (prediction,) = joined(turns, "c")
    order = []
    for _ in range(6):
        order.append(turns.holder)
        turns.clock.now += 1
        turns.pass_on(turns.holder)
    assert order == [first, second, prediction] * 2


def test_a_job_that_leaves_while_it_waits_is_never_called(turns):
    running, leaving, last = joined(turns, "a", "b", "c")
    turns.leave(leaving)
    turns.leave(running)
    assert turns.holder is last and not leaving.called.is_set()
    turns.leave(leaving)
    turns.leave(last)
    assert turns.holder is None and not turns.waiting and not turns.served


def test_a_job_that_was_dropped_without_a_word_does_not_keep_the_device(turns, clock):
    lost, after = joined(turns, "a", "b")
    turns.drop_lost()
    assert turns.holder is lost
    clock.now += LOST_S + 1
    lost.seen = None  # it computes: a step may take long
    turns.drop_lost()
    assert turns.holder is lost
    lost.seen = clock.now - LOST_S - 1
    turns.drop_lost()
    assert turns.holder is after and lost.gone
