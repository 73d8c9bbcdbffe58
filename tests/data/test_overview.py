"""A video at a glance: where and when most moves, across cuts too, and regions in words."""

import numpy as np
import pytest

from vp.data import Clip
from vp.data.overview import clip_overview
from vp.data.region import Region, pixel_slices, used_region

FPS = 10.0


def moving(length=40, start=20, end=30, height=36, width=64, left=44):
    """A bright square that moves between two frames on a grey ground, right of the middle."""
    frames = np.full((length, height, width, 3), 90, np.uint8)
    for t in range(length):
        x = left + min(max(t - start, 0), end - start)
        frames[t, 10:20, x : x + 8] = 250
    return Clip(frames, FPS)


def test_most_moves_in_the_future_of_the_busiest_moment():
    moment = clip_overview(moving()).busiest_moment(0.5, 1.0)
    assert moment == pytest.approx(1.6, abs=0.11)  # known 16 to 20, predicted 21 to 30


def test_where_nothing_moves_or_the_clip_is_short_it_begins_with_the_first_frame():
    still = Clip(np.full((40, 36, 64, 3), 90, np.uint8), FPS)
    assert clip_overview(still).busiest_moment(0.5, 1.0) == 0
    assert clip_overview(moving()).busiest_moment(2.0, 3.0) == 0


def test_no_prediction_leads_over_a_cut():
    clip = moving(60, start=40, end=50)
    clip.frames[10:] = 255 - clip.frames[10:]
    view = clip_overview(clip)
    assert view.cuts().nonzero()[0].tolist() == [10]
    assert view.busiest_moment(0.5, 1.0) == pytest.approx(3.6, abs=0.11)


@pytest.mark.parametrize("upright", [False, True])
def test_the_busiest_square_is_where_things_move(upright):
    clip = moving()
    if upright:
        clip = Clip(np.ascontiguousarray(clip.frames.swapaxes(1, 2)), FPS)
    region = clip_overview(clip).busiest_square(1.6, 1.5)
    rows, columns = pixel_slices(region, clip.frames.shape[1:3])
    assert (rows.stop - rows.start, columns.stop - columns.start) == (36, 36)
    along = rows if upright else columns
    assert along.start <= 44 and along.stop >= 60  # all of the square's way


def test_a_still_clip_has_its_middle_square():
    still = clip_overview(Clip(np.full((10, 36, 64, 1), 90, np.uint8), FPS))
    assert pixel_slices(still.busiest_square(0, 1), (36, 64)) == (slice(0, 36), slice(14, 50))


def test_regions_are_read_back_and_refused_in_one_sentence():
    region = Region(0.25, 0.1, 0.5, 0.9)
    assert Region.parse(str(region)) == region and Region.parse(" ") is None
    for wrong in ("1,0,1,1", "0,0,0,1", "-0.1,0,1,1", "0.5,0,0.6,1", "nan,0,1,1", "a,b,c,d", "1,2"):
        with pytest.raises(ValueError, match="region"):
            Region.parse(wrong)
    assert pixel_slices(Region(0.9, 0.9, 0.1, 0.1), (20, 30)) == (slice(4, 20), slice(14, 30))  # 16 px where there are
    assert used_region(Region(0.9, 0.9, 0.1, 0.1), (20, 30)) == Region(14 / 30, 4 / 20, 16 / 30, 16 / 20)
