"""Licences: every data set has one, and weights get the strictest of what they were trained on."""

import pytest

from vp.data import DATASETS, licence_of_weights
from vp.data.licence import CREDIT, MIT, RESEARCH, STRICTER, UNSTATED, Licence, strictest


def test_every_data_set_says_what_weights_trained_on_it_may_be_used_under():
    assert all(data.licence.weights in STRICTER and data.licence.data for data in DATASETS.values())
    assert licence_of_weights(["smmnist-svg", "digits-robust", "push"]) == MIT
    for name in ("real128", "kth", "gatech", "ucf101", "bair"):
        assert licence_of_weights([name]) == RESEARCH
    assert licence_of_weights(["folder"]) == UNSTATED, "whose clips they are is not known here"


def test_the_strictest_terms_count():
    assert licence_of_weights(["mmnist", "bridge"]) == CREDIT
    assert licence_of_weights(["mmnist", "kth", "bridge"]) == RESEARCH
    assert licence_of_weights(["kth", "of another version"]) == UNSTATED == licence_of_weights([])
    assert strictest([MIT, "terms of somebody else", RESEARCH]) == "terms of somebody else"


def test_other_terms_are_refused():
    with pytest.raises(ValueError, match="weights is 'free'; give one of MIT"):
        Licence("free", "")
