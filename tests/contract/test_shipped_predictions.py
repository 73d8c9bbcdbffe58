"""Every shipped checkpoint predicts what it did when it was shipped: a renamed layer or a rewritten sampler changes no future."""

import json

import pytest

from benchmarks.shipped_predictions import KEPT, numbers, shipped, within_tolerance

PREDICTED = json.loads(KEPT.read_text())


def test_every_shipped_checkpoint_has_its_predictions():
    assert set(PREDICTED) == set(shipped())


@pytest.mark.parametrize("name", sorted(PREDICTED))
def test_a_checkpoint_predicts_what_it_did(name):
    now = numbers(name)
    assert within_tolerance(now, PREDICTED[name]), name
    assert not within_tolerance(now[:-1] + [now[-1] + 5.0], PREDICTED[name]), "a change would be seen"
