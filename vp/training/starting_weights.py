"""Starting a run from the weights of another one."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn


def load_matching_weights(networks: nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Takes over the weights that fit by name and shape, so that a learned-prior model can start a fixed-prior one.

    A checkpoint of a single network starts a single network of any other name, of another family too: the layers that are
    called alike are alike.

    Raises:
        ValueError: less than half of the parameters found a match.
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
    """What lineages call a checkpoint: by its name; the best or last one of a run by that of the run's folder."""
    path = Path(name)
    if path.suffix != ".safetensors":
        return name
    return path.resolve().parent.name if path.stem in ("best", "last") else path.stem
