"""Settings of one training run that are not part of its recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the command line adds to a recipe. A resumed run keeps what it began with where nothing is given.

    Args:
        out: folder of the run.
        minutes: time budget, which sets the number of steps when a run begins; a resumed run keeps that number.
        steps: the number of steps instead; of a resumed run its new total.
        resume: continue the run in `out`.
        init: checkpoint to start from, with a fresh schedule; not looked at again to resume.
        threads: of the CPU; None: one a core. A training with one thread and another beside it share two cores.
        seed: of data, noise and first weights; None: 0.
        batch: clips of a mini-batch; None: the recipe's; "auto": as many as fit, see `batch_size.choose_batch`.
        accumulate: mini-batches of an update, shared out among the processes; None: one for each.
        recompute: see `recompute.recompute_activations`.
        bad_steps: the run ends after so many steps in a row whose loss or gradient is not finite; fewer are skipped.
        validate_minutes: time between validations.
        digits, data_root: see `open_dataset`.
        axes: of arrays, see `Layout.recordings`.
        licences: of the clips trained on, see `Layout.recordings`; those to validate on are the same whatever their licence.
    """

    out: Path
    minutes: float = 30.0
    steps: int | None = None
    resume: bool = False
    init: str | None = None
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    batch: int | str | None = None
    accumulate: int | None = None
    recompute: bool = False
    lr: float | None = None
    seed: int | None = None
    digits: str = "auto"
    data_root: str | None = None
    axes: str = ""
    licences: tuple[str, ...] = ()
    bad_steps: int = 3
    validate_minutes: float = 5.0
    save_minutes: float = 2.0
