"""Which files a push uploads, with those that are made for it written into a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..hub.address import WEIGHTS
from ..hub.manifest import MANIFEST, make_manifest
from ..prediction.checkpoint import FOLDER
from ..prediction.model import Model
from .model_card import model_card

OF_RUNS = ("best", "last")  # names of checkpoints that say nothing without the run's folder
Files = dict[str, Path]  # name in the repository -> where it is


def model_files(folder: Path, model: Model, checkpoint: Path, repo: str, evaluations: Sequence[Mapping[str, Any]]) -> Files:
    """The checkpoint, its README and the manifest.

    Args:
        folder: README and manifest are written here.
        model: as loaded from `checkpoint`.
        repo: "owner/name".
        evaluations: of this checkpoint, as `evaluate --json` wrote them.

    Raises:
        ValueError: an evaluation is of another model.
    """
    for found in evaluations:
        if found["checkpoint"] != model.name:
            raise ValueError(f"an evaluation is of {found['checkpoint']}, and the checkpoint is {model.name}; leave it out")
    name = repo.partition("/")[2] + WEIGHTS if checkpoint.stem in OF_RUNS else checkpoint.name
    readme, manifest = folder / "README.md", folder / MANIFEST
    readme.write_text(model_card(model, repo, name, evaluations), encoding="utf-8")
    files = {"README.md": readme, name: checkpoint}
    manifest.write_text(json.dumps(make_manifest(files), indent=1) + "\n", encoding="utf-8")
    return files | {MANIFEST: manifest}


def shipped_evaluations(checkpoint: Path, folder: Path) -> list[Path]:
    """The evaluations in `folder` of a checkpoint that is shipped; [] for any other, whose name may be that of a shipped one."""
    if checkpoint.resolve().parent != FOLDER.resolve():
        return []
    return sorted(folder.glob(f"{checkpoint.stem}.*.json"))


def results_file(folder: Path, name: str, evaluation: Mapping[str, Any]) -> Files:
    """An evaluation as a file of `evaluations/`, written into `folder`; of paths on this machine only the last part stays."""
    kept = {key: Path(value).name if is_absolute(value) else value for key, value in evaluation.items()}
    path = folder / name
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return {f"evaluations/{name}": path}


def is_absolute(value: Any) -> bool:
    """Whether a value is an absolute path."""
    return isinstance(value, str) and Path(value).is_absolute()


def describe_files(files: Mapping[str, Path]) -> str:
    """One line a file, its size in bytes and its name, then their sum."""
    sizes = {name: path.stat().st_size for name, path in files.items()}
    lines = [f"{size:12,}  {name}" for name, size in sizes.items()]
    return "\n".join([*lines, f"{sum(sizes.values()):12,}  bytes in {len(sizes)} files"])
