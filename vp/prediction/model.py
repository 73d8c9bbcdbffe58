"""Loading models by name: checkpoints, and the baselines that need none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ..catalog import FAMILIES
from ..core.family import Family
from ..core.predictor import Predictor
from ..core.runtime import Runtime
from ..core.video import Actions
from ..data import named_actions
from . import checkpoint


@dataclass(frozen=True)
class Model:
    """A predictor ready to run.

    Args:
        name: of the checkpoint or baseline.
        family: how such models are built and trained.
        predictor: predicts; its weights may be in a layout for inference only.
        card: what the checkpoint's header says of the model.
        weights: those of its checkpoint, float32 on the CPU, for further training; empty for a baseline.
    """

    name: str
    family: Family
    predictor: Predictor
    card: dict[str, Any]
    weights: Mapping[str, Tensor] = field(default_factory=dict, repr=False, compare=False)


def baseline_families() -> dict[str, Family]:
    """The families without recipes, which need no checkpoint: name -> family."""
    return {name: family for name, family in FAMILIES.items() if not family.recipes}


def baseline_card(name: str, family: Family) -> dict[str, Any]:
    """The card of a baseline, with the keys that lists of models read."""
    return {"name": name, "family": name, "title": family.title, "about": family.citation, "dataset": "", "metrics": {}}


def available(folder: Path = checkpoint.FOLDER) -> list[dict[str, Any]]:
    """The cards of all checkpoints in `folder`, each with `name`, `path` and `title`, and of the baselines.

    A file that cannot be read gives `name`, `path`, and `problem`, one sentence.
    """
    cards = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            card = checkpoint.read_card(path)
            family = find_family(path, card)
            cards.append({"name": path.stem, "path": str(path), "title": family.title, **card})
        except ValueError as error:
            cards.append({"name": path.stem, "path": str(path), "problem": str(error)})
    return cards + [baseline_card(name, family) for name, family in baseline_families().items()]


def find_family(path: Path, card: dict[str, Any]) -> Family:
    """The family that a card names.

    Raises:
        ValueError: this version has no such family.
    """
    if card["family"] not in FAMILIES:
        raise ValueError(f"{path.name} holds a {card['family']!r} model; this version knows {', '.join(FAMILIES)}")
    return FAMILIES[card["family"]]


def find_checkpoint(name: str | Path, folder: Path = checkpoint.FOLDER) -> Path:
    """The checkpoint file of a path, or of a name in `folder`.

    Raises:
        ValueError: there is none; the sentence lists the names there are.
    """
    for path in (Path(name), folder / f"{name}.safetensors"):
        if path.suffix == ".safetensors" and path.is_file():
            return path
    names = [card["name"] for card in available(folder)]
    raise ValueError(f"there is no model {str(name)!r}; models: {', '.join(names)}, or give a path to a .safetensors file")


def load(name: str | Path, device: str = "auto", precision: str = "auto", folder: Path = checkpoint.FOLDER) -> Model:
    """Loads a checkpoint by name or path, or a baseline by name.

    Args:
        name: a name in `folder`, a path, or a baseline such as 'copy-last'.
        device: 'auto', 'cpu', 'cuda', ...; see `Runtime.pick`.
        precision: 'auto', 'fp32' or 'bf16'.

    Raises:
        ValueError: there is no such model, the file is damaged or foreign, or the device does not exist.
    """
    return load_on(Runtime.pick(device, precision), name, folder)


def load_on(runtime: Runtime, name: str | Path, folder: Path = checkpoint.FOLDER) -> Model:
    """The same as `load`, on a given runtime."""
    if str(name) in baseline_families():
        family = baseline_families()[str(name)]
        config = family.config()
        predictor = family.predictor(config, family.networks(config), runtime)
        return Model(str(name), family, predictor, baseline_card(str(name), family))
    path = find_checkpoint(name, folder)
    card = checkpoint.read_card(path)
    family = find_family(path, card)
    try:
        return build_model(runtime, family, {"name": path.stem, "title": family.title, **card}, checkpoint.read_weights(path))
    except (RuntimeError, TypeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path.name} does not fit its own description ({reason}); train or download it again") from None


def build_model(runtime: Runtime, family: Family, card: dict[str, Any], weights: Mapping[str, Tensor]) -> Model:
    """A model from its card, which holds `name`, and its weights, float32 on the CPU, which are not changed.

    Raises:
        RuntimeError, TypeError, KeyError: the weights do not fit the card.
    """
    config = checkpoint.config_from_json(family.config, card["config"])
    networks = family.networks(config)
    networks.load_state_dict(weights)
    predictor = family.predictor(config, runtime.lowered(networks), runtime)
    able = replace(predictor.capabilities, dataset=card["dataset"], fps=card.get("fps"))
    predictor.capabilities = replace(able, actions=with_named_actions(able.actions, able.dataset))
    return Model(card["name"], family, predictor, card, weights)


def with_named_actions(actions: Actions | None, dataset: str) -> Actions | None:
    """A model's actions with the names and ranges of its data set, where that defines them."""
    if actions is None or actions.sources != ("actions",):
        return actions
    return named_actions(dataset, len(actions.names)) or actions
