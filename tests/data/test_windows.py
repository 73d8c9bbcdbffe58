"""Windows to evaluate on: which, of what, in which order, and what is left out."""

from __future__ import annotations

import pytest
import torch

from vp.data import Framing, Windows
from vp.data.clip import Clip
from vp.data.recorded import RecordedClips
from vp.data.recording import Recording
from vp.data.windows import choose_windows, evenly_spaced_indices

from .test_recorded import counting, times


def windows(*recordings, length=5, most=None, **framing) -> Windows:
    return Windows(RecordedClips("test", recordings, Framing(**({"size": 8} | framing)), 3), length, most)


def gone_through(found: Windows) -> list[tuple[int, list[int]]]:
    """(recording, first frames as shown in its pixels) of every window, which must agree with what is told."""
    out = []
    for starts, batch in found:
        assert times(batch)[:, 0].tolist() == starts and (times(batch).diff(dim=1) == found.source.framing.stride).all()
        assert len(set(batch.extras["recording"].tolist())) == 1 and len(batch.extras["recording"]) == len(starts)
        out.append((int(batch.extras["recording"][0]), starts))
    return out


def test_a_start_and_a_middle_and_what_is_too_short_is_left_out():
    found = windows(counting("long", 1, 25), counting("short", 2, 4), counting("fits", 3, 5), counting("one more", 4, 6))
    assert len(found) == 5 and gone_through(found) == [(0, [0, 10]), (2, [0]), (3, [0, 1])]
    assert found.left_out == {"short": "fewer than 5 frames"}
    assert gone_through(found) == gone_through(found), "again and again"


def test_stretches_and_strides_are_kept():
    found = windows(counting("a", 1, 60, parts=((2, 8), (20, 23), (30, 40))))
    assert gone_through(found) == [(0, [2, 32])], "eight places to start: 2, 3, 30, 31, 32, ..."
    thin = windows(counting("a", 1, 30), stride=3)
    assert gone_through(thin) == [(0, [0, 9])], "13 frames of the recording each"
    _, batch = next(iter(windows(counting("a", 1, 13), fps=6.7)))
    assert times(batch)[0].tolist() == [0, 3, 6, 9, 12]
    assert batch.actions.shape == (1, 5, 6) and batch.actions[0, 0].tolist() == [1, 0, 1, 1, 1, 2]


def test_no_more_is_decoded_than_the_last_window_needs():
    asked = []

    def load(framing: Framing) -> Clip:
        asked.append(framing.most)
        return Clip(counting("a", 1, framing.most, actions=0).load(framing).frames)

    assert gone_through(windows(Recording("a", "a", 100, 20.0, load))) == [(0, [0, 48])] and asked == [53]


def test_frames_of_different_sizes_come_one_recording_at_a_time():
    found = windows(counting("wide", 1, 9), counting("high", 2, 9, height=24), short_side=8)
    assert [tuple(batch.frames.shape) for _, batch in found] == [(2, 5, 3, 8, 8), (2, 5, 3, 12, 8)]


def test_damage_and_broken_promises_are_left_out():
    def broken(framing: Framing) -> Clip:
        raise ValueError("it is damaged")

    less = Recording("less", "less", 30, 20.0, lambda framing: counting("less", 1, 9, actions=0).load(framing))
    none = Recording("none", "none", 30, 20.0, lambda framing: counting("none", 1, 3, actions=0).load(framing))
    found = windows(Recording("broken", "broken", 9, 20.0, broken), less, none)
    assert len(found) == 6 and gone_through(found) == [(1, [0])]
    assert found.left_out == {
        "broken": "it is damaged",
        "less": "9 of 30 frames can be decoded",
        "none": "3 of 30 frames can be decoded",
    }
    with pytest.raises(ValueError, match="no recording of test has 50 frames; the longest has 30"):
        windows(less, length=50)


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (None, [(0, [0, 5]), (1, [0]), (2, [0, 7]), (3, [0, 9])]),
        (99, [(0, [0, 5]), (1, [0]), (2, [0, 7]), (3, [0, 9])]),
        (6, [(0, [0, 5]), (1, [0]), (2, [0]), (3, [0, 9])]),
        (5, [(0, [0]), (1, [0]), (2, [0, 7]), (3, [0])]),
        (4, [(0, [0]), (1, [0]), (2, [0]), (3, [9])]),
        (2, [(1, [0]), (3, [9])]),
        (1, [(2, [0])]),
    ],
)
def test_fewer_windows_are_spread_over_recordings(most, expected):
    assert choose_windows([(0, [0, 5]), (1, [0]), (2, [0, 7]), (3, [0, 9])], most) == expected


def test_evenly_spread_numbers_are_different_and_reach_both_ends():
    for of in range(1, 12):
        for count in range(1, of + 1):
            picked = torch.tensor(evenly_spaced_indices(count, of))
            assert len(picked.unique()) == count and picked[0] <= of // count and picked[-1] >= of - 1 - of // count
