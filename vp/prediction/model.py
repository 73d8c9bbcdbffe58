"""Loading models by name: checkpoints, and the baselines that need none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..catalog import FAMILIES
from ..core.family import Family
from ..core.predictor import Predictor
from ..core.runtime import Runtime
from ..core.video import Actions
from ..data import named_actions
from ..hub.address import is_address, parse_address
from . import checkpoint
from .card import Card, as_card
from .config_json import check_config
from .fit import check_fit
from .header import FILE_LIMIT, REMEDY, named, printable

OTHER_FORMATS = (".bin", ".ckpt", ".h5", ".joblib", ".npz", ".onnx", ".pickle", ".pkl", ".pt", ".pt2", ".pth", ".tar", ".th")
WHY_ONLY_SAFETENSORS = (
    "models are read from .safetensors only: most other formats can run a stranger's code when they are opened, and hold no card;"
    " train the model here, or ask for its .safetensors file"
)


@dataclass(frozen=True)
class Model:
    """A predictor ready to run.

    Args:
        name: of the checkpoint or baseline.
        family: how such models are built and trained.
        predictor: predicts; its weights may be in a layout for inference only.
        card: what the checkpoint's header says of the model; a JSON object given here becomes a `Card`.
        weights: those of its checkpoint, float32 on the CPU, for further training; empty for a baseline.
    """

    name: str
    family: Family
    predictor: Predictor
    card: Card
    weights: Mapping[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "card", as_card(self.card))


def baseline_families() -> dict[str, Family]:
    """The families without recipes, which need no checkpoint: name -> family."""
    return {name: family for name, family in FAMILIES.items() if not family.recipes}


def baseline_card(name: str, family: Family) -> Card:
    """The card of a baseline."""
    return as_card({"name": name, "family": name, "title": family.title, "about": family.citation, "dataset": "", "metrics": {}})


def available(folder: Path = checkpoint.FOLDER) -> list[Card]:
    """The cards of all checkpoints in `folder` and of the baselines; of a file that cannot be used, `name`, `path`, and
    `problem`, one sentence."""
    try:
        paths = sorted(folder.glob("*.safetensors"))
    except OSError:  # the folder may not be read
        paths = []
    return [card_of_file(path) for path in paths] + [baseline_card(name, family) for name, family in baseline_families().items()]


def card_of_file(path: Path) -> Card:
    """The card of a checkpoint, with its `problem` where it cannot be used."""
    name = printable(path.stem)
    try:
        if name != path.stem:
            raise ValueError(f"{named(path)} has a name that cannot be shown in one line; rename it")
        if name in baseline_families():
            raise ValueError(f"{named(path)} has the name of a baseline; rename it")
        card = as_card(checkpoint.read_card(path))
        return replace(named_card(path, find_family(path, card), card), path=str(path))
    except ValueError as error:
        stored = {"name": name, "path": str(path), "problem": str(error)}
        return Card(stored, name=name, path=str(path), problem=str(error))


def named_card(path: Path, family: Family, card: Mapping[str, Any]) -> Card:
    """The record of a checkpoint's card, with the name of its file and the title of its family."""
    return as_card({**card, "name": printable(path.stem), "title": family.title})


def find_family(path: Path, card: Card) -> Family:
    """The family that a card names.

    Raises:
        ValueError: this version has no such family.
    """
    if card.family not in FAMILIES:
        raise ValueError(f"{named(path)} holds a {card.family[:100]!r} model; this version knows {', '.join(FAMILIES)}")
    return FAMILIES[card.family]


def find_checkpoint(name: str | Path, folder: Path = checkpoint.FOLDER) -> Path:
    """The checkpoint file of a path, of a name in `folder`, or of an address on the Hub, whose file is fetched if need be.

    Raises:
        ValueError: there is none; the sentence lists the names there are, or says why the Hub gives none.
    """
    if is_address(name):
        from ..hub.client import fetch

        return fetch(parse_address(name), FILE_LIMIT).path
    if Path(name).suffix.lower() in OTHER_FORMATS:
        raise ValueError(f"{printable(str(name))} is no .safetensors file, and {WHY_ONLY_SAFETENSORS}")
    for path in (Path(name), folder / f"{name}.safetensors"):
        if path.suffix == ".safetensors" and os.path.lexists(path):  # reading says what is wrong with a folder or a link
            return path
    names = [card.name for card in available(folder) if not card.problem]
    ways = "a path to a .safetensors file or hf://owner/repo"
    raise ValueError(f"there is no model {str(name)!r}; models: {', '.join(names)}, or give {ways}")


def load(name: str | Path, device: str = "auto", precision: str = "auto", folder: Path = checkpoint.FOLDER) -> Model:
    """Loads a checkpoint by name, path or address on the Hub, or a baseline by name.

    Args:
        name: a name in `folder`, a path, a baseline such as 'copy-last', or hf://owner/repo[/file.safetensors][@revision]: taken
            from the cache of huggingface_hub, or else from the Hub within the deadlines of `vp.hub.deadlines`.
        device: 'auto', 'cpu', 'cuda', ...; see `Runtime.pick`.
        precision: 'auto', 'fp32' or 'bf16'.

    Raises:
        ValueError: there is no such model, the Hub does not give it, the file is damaged or foreign, or there is no such
            device.
    """
    return load_on(Runtime.pick(device, precision), name, folder)


def load_on(runtime: Runtime, name: str | Path, folder: Path = checkpoint.FOLDER) -> Model:
    """The same as `load`, on a given runtime."""
    if str(name) in baseline_families():
        family = baseline_families()[str(name)]
        config = family.config()
        predictor = family.predictor(config, family.networks(config), runtime)
        return Model(str(name), family, predictor, baseline_card(str(name), family))
    return load_file(runtime, find_checkpoint(name, folder))


def load_file(runtime: Runtime, path: Path) -> Model:
    """The model in a checkpoint file. Nothing is allocated before the file's tensors are found to fit its config.

    Raises:
        ValueError: the file is damaged or foreign, or memory does not suffice, in one sentence that names it.
    """
    with checkpoint.open_checkpoint(path) as (_, header):
        card = as_card(checkpoint.parse_card(path, header))
    family = find_family(path, card)
    try:
        check_config(family.config, card.config)
        check_fit(family, checkpoint.config_from_json(family.config, card.config), header.tensors)
    except Exception as error:  # making networks of a foreign config may fail in any way
        raise misfit(path, error) from error
    weights = checkpoint.read_weights(path)
    try:
        return build_model(runtime, family, named_card(path, family, card), weights)
    except (MemoryError, torch.OutOfMemoryError):
        raise ValueError(f"{named(path)} needs more memory than there is") from None
    except Exception as error:
        raise misfit(path, error) from error


def misfit(path: Path, error: Exception) -> ValueError:
    """What is said of a file whose weights, config and card do not fit together."""
    reason = printable((str(error) or type(error).__name__).splitlines()[0][:300])
    return ValueError(f"{named(path)} does not fit its own description ({reason}); {REMEDY}")


def build_model(runtime: Runtime, family: Family, card: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Model:
    """A model from its card, which holds `name`, and its weights, float32 on the CPU, which are not changed.

    Raises:
        RuntimeError, TypeError, KeyError, ValueError: the weights do not fit the card.
    """
    known = as_card(card)
    config = checkpoint.config_from_json(family.config, known.config)
    networks = family.networks(config)
    networks.load_state_dict(weights)
    predictor = family.predictor(config, runtime.lowered(networks), runtime)
    able = replace(predictor.capabilities, dataset=known.dataset, fps=known.fps)
    predictor.capabilities = replace(able, actions=with_named_actions(able.actions, able.dataset))
    return Model(known.name, family, predictor, known, weights)


def with_named_actions(actions: Actions | None, dataset: str) -> Actions | None:
    """A model's actions with the names and ranges of its data set, where that defines them."""
    if actions is None or actions.sources != ("actions",):
        return actions
    return named_actions(dataset, len(actions.names)) or actions
