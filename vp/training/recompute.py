"""Activation checkpointing (Chen et al. 2016): what a block has computed is forgotten, and computed again for the gradient."""

from __future__ import annotations

from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.checkpoint import checkpoint


def recompute_activations(networks: nn.Module) -> nn.Module:
    """The networks, of whose sequences of layers and recurrent cells only the inputs are kept until the gradient asks for more.

    Sequences that change when they compute (batch statistics, spectral norms) stay as they are: twice would be once too often.
    """
    for block in recomputable_blocks(networks):
        block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
    return networks


def recomputable_blocks(module: nn.Module) -> list[nn.Module]:
    """The outermost sequences, and modules that call themselves `recomputable`, that can be computed twice."""
    whole = isinstance(module, nn.Sequential) or getattr(module, "recomputable", False)
    if whole and not any(isinstance(x, _BatchNorm) or is_parametrized(x) for x in module.modules()):
        return [module]
    return [block for child in module.children() for block in recomputable_blocks(child)]
