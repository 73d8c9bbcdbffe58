"""Predictors of untrained networks in which nothing is zero."""

import torch

from vp.core.family import Family
from vp.core.predictor import Predictor
from vp.core.runtime import Runtime


def shaken_predictor(family: Family, config) -> Predictor:
    """The predictor of a config, every weight shaken, so that heads that start at zero say something too; always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = family.networks(config)
        with torch.no_grad():
            for weight in networks.parameters():
                weight += 0.05 * torch.randn_like(weight)
    return family.predictor(config, networks, Runtime.pick("cpu", "fp32"))
