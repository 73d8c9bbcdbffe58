"""Checkpoints: one .safetensors file whose header says everything about the model; no pickle anywhere.

The header holds one JSON under "vp": format, family, config, dataset, context, step, commit, licence (of the weights), about,
measured metrics and the lineage: all runs that led to the weights. Lists read headers only.
"""

from __future__ import annotations

import json
import struct
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..core.bundled import bundled_folder
from ..data import licence_of_weights
from ..data.licence import strictest

FORMAT = 1
FOLDER = bundled_folder("checkpoints")
HEADER_LIMIT = 10_000_000  # bytes; a foreign file's first eight bytes may claim anything
STORAGE = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def save(path: Path, weights: Mapping[str, Tensor], card: Mapping[str, Any], storage: str = "fp16") -> None:
    """Writes a .safetensors file with `weights` and `card` atomically.

    Floats are stored as `storage` ('fp16', 'bf16' or 'fp32'). Float64 stays: it holds the few statistics of the training data,
    whose rounding would change every sample.
    """
    kept = to_storage_types(weights, storage)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(kept, partial, {"vp": json.dumps({"format": FORMAT, **card})})
    partial.replace(path)


def to_storage_types(weights: Mapping[str, Tensor], storage: str = "fp16") -> dict[str, Tensor]:
    """The weights on the CPU in the types that `save` stores them in."""
    return {
        name: x.detach().to("cpu", STORAGE[storage] if is_castable(x) else x.dtype).contiguous() for name, x in weights.items()
    }


def to_float32(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights in float32, as they are read from a file; float64 and integers stay."""
    return {name: x.float() if is_castable(x) else x for name, x in weights.items()}


def is_castable(x: Tensor) -> bool:
    """Whether saving and loading change the tensor's type: floating point, but not float64."""
    return x.is_floating_point() and x.dtype != torch.float64


def read_card(path: Path) -> dict[str, Any]:
    """The card of a checkpoint, read without its weights; its licence is what `strictest_licence` makes of it.

    Raises:
        ValueError: the file is missing, damaged or foreign, in one sentence that names it.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > HEADER_LIMIT:
                raise ValueError("header too long")
            header = json.loads(file.read(length))
        end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
        if path.stat().st_size != 8 + length + end:
            raise ValueError("truncated")
        card = json.loads(header["__metadata__"]["vp"])
    except FileNotFoundError:
        raise ValueError(f"{path.name} does not exist; `python -m vp info` lists the checkpoints there are") from None
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        raise ValueError(f"{path.name} is damaged or is not a vp checkpoint; train or download it again") from None
    if card.get("format") != FORMAT:
        raise ValueError(f"{path.name} has checkpoint format {card.get('format')!r}; this version reads format {FORMAT}")
    return card | {"licence": strictest_licence(card)} if "licence" in card else card


def lineage(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One entry per run that led to a checkpoint's weights, oldest first; the last one is the checkpoint's own.

    A card from before lineages were kept gives a single entry of the fields it has; its clips and minutes are then those of all
    runs up to it. A baseline's card gives [].
    """
    if "lineage" in card or "recipe" not in card:
        return [dict(entry) for entry in card.get("lineage", ())]
    entry = {name: card[name] for name in ("recipe", "init", "data", "clips", "minutes", "commit") if name in card}
    return [entry | ({"steps": card["step"]} if "step" in card else {})]


def strictest_licence(card: Mapping[str, Any]) -> str:
    """The licence of the weights: the strictest of what the card says and what all data that led to them require.

    A card from before data had licences says MIT of any weights, and a run that began from such a checkpoint must not.
    """
    runs = [run.get("data", {}) for run in lineage(card)]
    names = {name for data in (*runs, card.get("data", {})) for name in data} | set(filter(None, [card.get("dataset")]))
    said = [card["licence"]] if "licence" in card else []
    return strictest([*said, *([licence_of_weights(names)] if names else [])])


def training_summary(card: Mapping[str, Any]) -> str:
    """How long a checkpoint was trained, such as "3 runs, 151 minutes"; "" for a baseline's card."""
    runs = lineage(card)
    if not runs or "minutes" not in card:
        return ""
    unlisted = bool(runs[0].get("init"))  # an older version wrote down the last one's name alone
    count = len(runs) + unlisted
    return f"{count}{' or more' * unlisted} run{'s' * (count > 1)}, {card['minutes']:.0f} minutes"


def read_weights(path: Path) -> dict[str, Tensor]:
    """Name -> tensor on the CPU, float32 (float64 and integers as stored).

    Raises:
        ValueError: the file is damaged, in one sentence that names it.
    """
    try:
        with safe_open(path, "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError):
        raise ValueError(f"{path.name} is damaged or is not a vp checkpoint; train or download it again") from None
    return to_float32(weights)


def add_metrics(path: Path, protocol: str, numbers: Mapping[str, Any]) -> None:
    """Stores measured `numbers` in a checkpoint's card, under `metrics` and the protocol's name; the weights stay as they are.

    Raises:
        ValueError: the file is missing, damaged or foreign.
    """
    card = read_card(path)
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    card["metrics"] = {**card.get("metrics", {}), protocol: dict(numbers)}
    partial = path.with_suffix(".partial")
    save_file(weights, partial, {"vp": json.dumps(card)})
    partial.replace(path)


def config_to_json(config: Any) -> dict[str, Any]:
    return asdict(config)


def config_from_json(kind: Any, value: Any) -> Any:
    """A (nested) config dataclass of type `kind` from parsed JSON; lists become tuples.

    Raises:
        ValueError: unknown field names.
    """
    if is_dataclass(kind) and isinstance(kind, type):
        hints, names = get_type_hints(kind), {f.name for f in fields(kind)}
        unknown = sorted(set(value) - names)
        if unknown:
            raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; the checkpoint is from another version")
        return kind(**{name: config_from_json(hints[name], x) for name, x in value.items()})
    if get_origin(kind) in (types.UnionType,):
        inner = next(k for k in get_args(kind) if k is not type(None))
        return None if value is None else config_from_json(inner, value)
    if isinstance(value, list):
        kinds = get_args(kind)
        if kinds and kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(value)
        return tuple(config_from_json(inner, x) for inner, x in zip(kinds, value))
    return value
