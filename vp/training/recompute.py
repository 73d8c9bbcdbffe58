"""Activation checkpointing (Chen et al. 2016): a block's activations are freed and computed again in the backward pass."""

from __future__ import annotations

from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.checkpoint import checkpoint


def recompute_activations(networks: nn.Module) -> nn.Module:
    """Turns on activation checkpointing, in place, for nn.Sequential modules and recurrent cells; returns the networks.

    Modules that change state in a forward pass (batch statistics, spectral norms) are left out, since it would run twice.
    """
    for block in recomputable_blocks(networks):
        block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
    return networks


def recomputable_blocks(module: nn.Module) -> list[nn.Module]:
    """The outermost nn.Sequential modules, and modules with a true `recomputable`, whose forward pass may run twice."""
    whole = isinstance(module, nn.Sequential) or getattr(module, "recomputable", False)
    if whole and not any(isinstance(x, _BatchNorm) or is_parametrized(x) for x in module.modules()):
        return [module]
    return [block for child in module.children() for block in recomputable_blocks(child)]
