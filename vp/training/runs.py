"""Training runs on disk, read from their folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LATEST = 5  # lines of the training log that count as its end


@dataclass(frozen=True)
class Run:
    """A run's folder.

    Args:
        folder: its path.
        about: the contents of `run.json`.
        training, validation: the lines of its logs, in order.
    """

    folder: Path
    about: dict[str, Any]
    training: tuple[dict[str, float], ...]
    validation: tuple[dict[str, float], ...]

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but the seed that may differ between runs, by dotted name."""
        kept = {name: self.about.get(name) for name in ("recipe", "data")}
        return flatten_settings({**kept, **self.about.get("config", {})})

    @property
    def steps(self) -> int:
        """The last step in its logs."""
        return max((int(line["step"]) for line in (*self.training, *self.validation)), default=0)

    @property
    def steps_per_epoch(self) -> float | None:
        """None if its `run.json` is too old to record it."""
        clips = self.about.get("clips_a_step")
        return self.about["epoch_clips"] / clips if clips else None

    def final_numbers(self) -> dict[str, float]:
        """The last validation's numbers, and the mean KL over the last LATEST training lines."""
        last = dict(self.validation[-1]) if self.validation else {}
        divergences = [line["kl"] for line in self.training[-LATEST:] if "kl" in line]
        return last | ({"kl": sum(divergences) / len(divergences)} if divergences else {})


def find_runs(paths: Sequence[str | Path]) -> list[Run]:
    """The runs in some folders, or directly below them, in the order given, then by name.

    Raises:
        ValueError: a folder that is not a run and holds none, or a log that cannot be read.
    """
    found = []
    for root in map(Path, paths):
        folders = [root] if (root / "run.json").is_file() else sorted(path.parent for path in root.glob("*/run.json"))
        if not folders:
            raise ValueError(f"{root} is no run and holds none; give a folder that `python -m vp train --out` made")
        found += [read_run(folder) for folder in folders]
    return found


def read_run(folder: Path) -> Run:
    """The run in a folder; raises ValueError where its files cannot be read."""
    try:
        about = json.loads((folder / "run.json").read_text())
        return Run(folder, about, *(read_log(folder / f"{kind}.jsonl") for kind in ("train", "validation")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the log of {folder} cannot be read ({error}); give another run") from None


def read_log(path: Path) -> tuple[dict[str, float], ...]:
    """A log's lines in the order of steps; after a resume the later line of a step counts. Empty if there is no file."""
    if not path.is_file():
        return ()
    records = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    latest = {int(record["step"]): record for record in records}
    return tuple(latest[step] for step in sorted(latest))


def flatten_settings(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one with dotted names; lists as text, so that they can be compared."""
    out = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            out |= flatten_settings(value, f"{prefix}{name}.")
        else:
            out[prefix + name] = str(value) if isinstance(value, list) else value
    return out


def group_by_settings(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs that differ only in their seed, under a label made of the settings in which the groups differ."""
    every = [run.settings for run in runs]
    names = list(dict.fromkeys(name for settings in every for name in settings))
    telling = [name for name in names if len({settings.get(name) for settings in every}) > 1]
    groups: dict[str, list[Run]] = {}
    for run, settings in zip(runs, every):
        label = ", ".join(f"{name.rpartition('.')[2]} {settings.get(name)}" for name in telling)
        groups.setdefault(label or str(settings["recipe"]), []).append(run)
    return groups
