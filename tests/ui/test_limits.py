"""Limits come from flags, the environment or the defaults."""

import argparse

import pytest

from vp.ui.cost import Cost, Speeds, in_words
from vp.ui.limits import Limits, add_flags, from_flags


def given(*flags, **environment):
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return from_flags(parser.parse_args(flags), environment)


def test_a_flag_comes_before_the_environment_and_that_before_the_default():
    limits = given("--per-visitor", "2", VP_APP_PER_VISITOR="3", VP_APP_ESTIMATE_S="1.5")
    assert limits == Limits(per_visitor=2, estimate_s=1.5)


@pytest.mark.parametrize("text", ["many", "0", "-1", "nan", "inf"])
def test_what_is_no_number_above_0_is_refused(text):
    with pytest.raises(ValueError, match="give a number above 0"):
        given(VP_APP_RUN_S=text)


def test_an_estimate_learns_from_what_predictions_took():
    speeds, wanted = Speeds(), Cost("model", n=16, frames=251, steps=1000, pixels=64 * 64)
    assert in_words(speeds.estimate(wanted)) == "27 h" and in_words(14.2) == "15 s" and in_words(200) == "3 min"
    small = Cost("model", 1, 10, 1, 64 * 64)
    for _ in range(20):
        speeds.add(small, 0.01)
    assert speeds.estimate(small) == pytest.approx(0.01) and speeds.estimate(wanted) < 15000
    assert wanted.what_to_lower() == "futures, future frames, steps or size of the clip"
    assert Cost("model", 1, 1, 1, 64).what_to_lower() == "size of the clip"
