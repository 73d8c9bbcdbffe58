"""Random decisions that the host takes in training, such as how many frames are known, without waiting for a GPU."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch

APART = 0x9E3779B9  # between the seeds: with the same one the decisions would be numbers of the noise

_on_host: WeakKeyDictionary[torch.Generator, torch.Generator] = WeakKeyDictionary()


def host_generator(generator: torch.Generator) -> torch.Generator:
    """The generator on the CPU that goes with a generator of any device: decisions are the same on all of them.

    It is made from the other one's seed when it is first asked for, and goes on from there.
    """
    if generator not in _on_host:
        _on_host[generator] = torch.Generator().manual_seed((generator.initial_seed() + APART) % 2**32)
    return _on_host[generator]
