"""Recipes of the SVG family: they fit their data, and their checkpoints are small enough."""

import pytest
import torch

from vp.catalog import find_recipe
from vp.data import DATASETS, PROTOCOLS, named_actions
from vp.models.svg import networks
from vp.models.svg.recipes import RECIPES

BYTES = 2  # of a weight as stored


@pytest.mark.parametrize("found", RECIPES, ids=lambda r: r.name)
def test_a_recipe_fits_its_data_set(found):
    (*data,) = found.data
    assert all(DATASETS[name].channels == found.config.channels for name in data)
    if found.protocol:
        assert DATASETS[PROTOCOLS[found.protocol].dataset].channels == found.config.channels


@pytest.mark.parametrize("name", ["svg-lp-push", "svg-lp-people"])
def test_checkpoints_of_our_own_stay_under_ten_megabytes(name):
    _, found = find_recipe(name)
    with torch.device("meta"):
        count = sum(p.numel() for p in networks(found.config).parameters())
    assert count * BYTES < 10e6


def test_the_push_recipe_takes_the_push_world_s_actions_and_nothing_else():
    _, found = find_recipe("svg-lp-push")
    protocol, conditions = PROTOCOLS["push"], found.config.conditions
    assert conditions.sources == ("actions",) and named_actions("push", conditions.size).names == ("right", "away", "up", "turn")
    assert (found.config.n_past, found.config.n_future) == (protocol.n_past, protocol.n_future) == (2, 10)
    assert named_actions("push", 3) is None and named_actions("kth", 4) is None
