"""What configs share."""

import pytest

from vp.core.settings import check_one_of, scheduled_length


def test_lengths_grow_with_the_share_of_the_budget_and_stop_at_the_clip():
    lengths = ((0.0, 4), (0.5, 32))
    assert [scheduled_length(lengths, s, 40) for s in (0, 0.49, 0.5, 1)] == [4, 4, 32, 32] and scheduled_length(
        lengths, 1.0, 6
    ) == 6


def test_a_setting_that_is_not_offered_is_refused_with_those_that_are():
    check_one_of("mode", "a", ("a", "b"))
    with pytest.raises(ValueError, match="mode is 'c'; give one of a, b"):
        check_one_of("mode", "c", ("a", "b"))
