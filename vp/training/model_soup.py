"""Model soups (Wortsman et al. 2022): weighted averages of checkpoints that were trained from the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.licence import strictest
from ..prediction import checkpoint
from ..prediction.model import find_checkpoint


def model_soup(names: Sequence[str], shares: Sequence[float], out: Path) -> dict[str, Any]:
    """Writes the weighted mean of the checkpoints' weights to `out`, with the card of the last one, without metrics.

    Args:
        names: of checkpoints, or paths; two or more of the same network.
        shares: weight of each, any positive numbers; they are normalised.

    Raises:
        ValueError: too few checkpoints, a share missing, an unknown checkpoint, or networks that differ.
    """
    if len(names) < 2 or len(names) != len(shares) or min(shares) <= 0:
        given = f"{len(names)} checkpoints and shares {', '.join(f'{x:g}' for x in shares)}"
        raise ValueError(f"came {given}; give two checkpoints or more, and a share above 0 for each")
    paths = [find_checkpoint(name) for name in names]
    shares = [share / sum(shares) for share in shares]
    mean: dict[str, Any] = {}
    for path, share in zip(paths, shares):
        weights = checkpoint.read_weights(path)
        if mean and {k: x.shape for k, x in weights.items()} != {k: x.shape for k, x in mean.items()}:
            raise ValueError(f"{path} holds another network than {paths[0]}; average checkpoints of one recipe")
        for key, x in weights.items():
            mean[key] = x if not x.is_floating_point() else mean.get(key, 0) + share * x
    cards = [checkpoint.read_card(path) for path in paths]
    runs = [run for card in cards for run in checkpoint.lineage(card)]
    runs = [run for i, run in enumerate(runs) if run not in runs[:i]]  # parents may have runs in common
    shares_of = {path.stem: round(share, 4) for path, share in zip(paths, shares)}
    card = cards[-1] | {"metrics": {}, "average": shares_of, "lineage": runs}
    card["licence"] = strictest(checkpoint.strictest_licence(card) for card in (*cards, card))
    checkpoint.save(out, mean, card)
    return {"file": str(out), "average": card["average"]}
