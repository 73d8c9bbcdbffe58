"""A checkpoint's weights under changed settings, where they still say all there is to say: sprites cut out that were blended,
things drawn where they most likely are instead of on average."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import checkpoint
from .model import find, known_family
from .overrides import overridden


def recast(name: str, assignments: Sequence[str], out: Path) -> dict[str, Any]:
    """Writes the checkpoint's weights to `out` with `NAME=VALUE` settings changed in its config; weights that the changed network
    has no use for are left out. Its card is the old one, without metrics.

    Raises:
        ValueError: an unknown checkpoint or setting, or a network that needs weights which are not there; one sentence.
    """
    path = find(name)
    card = checkpoint.read_card(path)
    family = known_family(path, card)
    config = overridden(checkpoint.config_from_json(family.config, card["config"]), assignments)
    wanted, weights = family.networks(config).state_dict(), checkpoint.read_weights(path)
    missing = [part for part, x in wanted.items() if part not in weights or weights[part].shape != x.shape]
    if missing:
        raise ValueError(f"{path.name} has no weights for {missing[0]} and {len(missing) - 1} others; train with --init instead")
    changes = {"config": checkpoint.config_to_json(config), "metrics": {}, "recast": list(assignments)}
    checkpoint.save(out, {part: weights[part] for part in wanted}, card | changes)
    return {"file": str(out), "left_out": sorted(set(weights) - set(wanted))}
