"""Checkpoints: one .safetensors file whose header says everything about the model; no pickle anywhere.

The header holds one JSON under "vp": format, family, config, dataset, context, step, commit, licence (of the weights), about,
measured metrics and the lineage: all runs that led to the weights. Lists read headers only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from safetensors.torch import save as safetensors_bytes
from torch import Tensor

from ..core.bundled import bundled_folder
from ..core.files import replacing
from .card import REQUIRED, as_card, strictest_licence
from .card import lineage as lineage
from .card import training_summary as training_summary
from .config_json import config_from_json as config_from_json
from .config_json import config_to_json as config_to_json
from .header import DAMAGED, FILE_LIMIT, REMEDY, Header, named, open_checkpoint, parse_json, printable

FORMAT = 1
FOLDER = bundled_folder("checkpoints")
STORAGE = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def save(path: Path, weights: Mapping[str, Tensor], card: Mapping[str, Any], storage: str = "fp16") -> None:
    """Writes a .safetensors file with `weights` and `card`; it is whole and on the disk, or what was there before is.

    Floats are stored as `storage` ('fp16', 'bf16' or 'fp32'), in float32 where a value is too large for that. Float64 stays: it
    holds the few statistics of the training data, whose rounding would change every sample.

    Raises:
        OSError: it cannot be written there.
    """
    write(path, to_storage_types(weights, storage), {"format": FORMAT, **card})


def write(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Writes tensors as they are; see `save`."""
    content = safetensors_bytes(dict(tensors), {"vp": json.dumps(card)})
    with replacing(path) as part:  # safetensors' own writing hides errors of the disk and lets nobody else read the file
        part.write_bytes(content)


def to_storage_types(weights: Mapping[str, Tensor], storage: str = "fp16") -> dict[str, Tensor]:
    """The weights on the CPU in the types that `save` stores them in."""
    wanted = STORAGE[storage]

    def stored(x: Tensor) -> Tensor:
        """A tensor that is cast, unless that makes a number infinite."""
        small = x.to(wanted)
        return x.float() if x.isfinite().all() and not small.isfinite().all() else small

    here = {name: x.detach().cpu() for name, x in weights.items()}
    return {name: (stored(x) if is_castable(x) else x).contiguous() for name, x in here.items()}


def to_float32(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights in float32, as they are read from a file; float64 and integers stay."""
    return {name: x.float() if is_castable(x) else x for name, x in weights.items()}


def is_castable(x: Tensor) -> bool:
    """Whether saving and loading change the tensor's type: floating point, but not float64."""
    return x.is_floating_point() and x.dtype != torch.float64


def read_card(path: Path) -> dict[str, Any]:
    """The card of a checkpoint as a JSON object, read without its weights; its licence is what `strictest_licence` makes of it.

    Every field that `as_card` reads has been checked.

    Raises:
        ValueError: the file is missing, damaged or foreign, in one sentence that names it.
    """
    with open_checkpoint(path) as (_, header):
        return parse_card(path, header)


def parse_card(path: Path, header: Header) -> dict[str, Any]:
    """The card in the header of the file `path`, as `read_card` returns it; errors as there."""
    try:
        if "vp" not in header.metadata:
            raise ValueError("its header has no card")
        card = parse_json(header.metadata["vp"])
        if card.get("format") == FORMAT:  # fields of other formats may mean something else
            as_card(card, REQUIRED)
            return card | {"licence": strictest_licence(card)} if "licence" in card else card
    except ValueError as error:
        raise ValueError(f"{named(path)} {DAMAGED} ({error}); {REMEDY}") from None
    found = printable(repr(card.get("format"))[:20])
    raise ValueError(f"{named(path)} has checkpoint format {found}; this version reads format {FORMAT}")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Name -> tensor on the CPU, float32 (float64 and integers as stored).

    Raises:
        ValueError: the file is missing or damaged, or holds values that are not finite, in one sentence that names it.
    """
    weights = read_tensors(path)
    for name, x in weights.items():
        if x.is_floating_point() and not x.isfinite().all():
            raise ValueError(f"{named(path)} holds weights that are not finite, in {printable(name[:100])}; {REMEDY}")
    return to_float32(weights)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Name -> tensor on the CPU, as stored; errors as for `read_card`."""
    with open_checkpoint(path) as (file, _):
        file.seek(0)
        data = file.read(FILE_LIMIT)
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(f"{named(path)} {DAMAGED} ({printable(str(error))[:200]}); {REMEDY}") from None


def add_metrics(path: Path, protocol: str, numbers: Mapping[str, Any]) -> None:
    """Stores measured `numbers` in a checkpoint's card, under `metrics` and the protocol's name; the weights stay as they are.

    Raises:
        ValueError: the file is missing, damaged or foreign.
    """
    card, weights = read_card(path), read_tensors(path)
    card["metrics"] = {**card.get("metrics", {}), protocol: dict(numbers)}
    write(path, weights, card)
