"""Initialisation of a run from another one's weights."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from ..hub.address import is_address


def load_matching_weights(networks: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Loads the weights that match by name and shape, so that a learned-prior model can start a fixed-prior one.

    A checkpoint of a single network can start a single network of another name or family: the network's own name is ignored.

    Args:
        source: name of the checkpoint, for the error message.

    Raises:
        ValueError: fewer than half of the parameters have a match.
    """
    own = networks.state_dict()
    names, others = ({name.partition(".")[0] for name in x} for x in (own, weights))
    if len(names) == len(others) == 1:
        weights = {f"{min(names)}.{name.partition('.')[2]}": x for name, x in weights.items()}
    fitting = {name: x for name, x in weights.items() if name in own and own[name].shape == x.shape}
    if sum(x.numel() for x in fitting.values()) * 2 < sum(x.numel() for x in own.values()):
        raise ValueError(f"{source} fits too little of this recipe's network to start from; leave out --init")
    networks.load_state_dict(fitting, strict=False)


def short_name(name: str) -> str:
    """A checkpoint's name in lineages: its file name, or its run's folder for the best or last checkpoint of a run."""
    path = Path(name)
    if path.suffix != ".safetensors" or is_address(name):
        return name
    return path.resolve().parent.name if path.stem in ("best", "last") else path.stem
