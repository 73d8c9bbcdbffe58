"""Mini-batches for training."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ..core.family import Recipe
from ..core.video import Batch
from ..data import DATASETS, SIMULATORS, ClipSource, Framing, law_of, open_dataset
from ..data.digits.banks import resolve_digits
from .augment import vary_clips

SEEDS = 2**32  # there are so many: torch's CPU generator keeps the low 32 bits of a seed and drops the rest


def step_seed(seed: int, continuation: int, step: int, process: int) -> int:
    """The seed of everything random in one step, below 2**32, so that it means the same to the generators of all devices.

    Args:
        seed: of the run.
        continuation: how many runs lie behind the weights that this one began from.
        step: of this run.
        process: number of the process, where several train together.
    """
    return int(np.random.SeedSequence((seed, continuation, step, process)).generate_state(1)[0])


def check_seed(seed: int) -> None:
    """Raises ValueError for a seed that is negative or has more than 32 bits."""
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed is {seed}; give a whole number from 0 to {SEEDS - 1}")


class TrainingData:
    """Mini-batches of a recipe; those of a step depend only on the seed, on `continuation` (see `step_seed`) and on the step.

    With several processes each draws its own: `share` is (index of this process, number of processes).

    Raises:
        ValueError: a seed out of range, or a data set that is not there or does not fit.
    """

    def __init__(
        self, recipe: Recipe, device: torch.device, *, batch: int, seed: int, digits: str, data_root: str | Path | None,
        share: tuple[int, int] = (0, 1), accumulate: int = 1, continuation: int = 0, licences: Sequence[str] = (),
        axes: str = "",
    ):  # fmt: skip
        check_seed(seed)
        self.device, self.count, self.share, self.accumulate = device, batch, share, accumulate
        self.seed, self.continuation = seed, continuation
        self.run_seed = step_seed(seed, continuation, 0, 0)  # of what is drawn for longer than a step
        self.varied = recipe.varied
        self.length = recipe.length or recipe.config.n_past + recipe.config.n_future
        filed = not set(SIMULATORS) & set(recipe.data)
        self.reader = ThreadPoolExecutor(1) if filed and device.type == "cuda" else None
        self.waiting: dict[int, Future] = {}
        where = device if self.reader is None else "cpu"
        self.sources = [open_for_recipe(recipe, name, "train", data_root, digits, where, licences, axes) for name in recipe.data]
        for source in self.sources:
            prepare_source(source)
        self.weights = torch.tensor(list(recipe.data.values()))

    def step_generator(self, step: int, process: int | None = None) -> torch.Generator:
        """The random generator of a step, for this process or for `process`."""
        process = self.share[0] if process is None else process
        return torch.Generator(self.device).manual_seed(step_seed(self.seed, self.continuation, step, process))

    def sample(self, clips: int) -> Batch:
        """Clips of the first data set on the CPU, for statistics; the same in every process."""
        return self.sources[0].batch(clips, self.length, self.step_generator(0, process=0)).to("cpu")

    def batches_for_step(self, step: int) -> tuple[list[Batch], torch.Generator]:
        """The mini-batches of a step, and the generator for the step's other random numbers.

        With clips from files and a GPU, those of the next step are read in the background.
        """
        if self.reader is None:
            return self.draw_batches(step)
        ready = self.waiting.pop(step, None) or self.reader.submit(self.draw_batches, step)
        self.waiting = {step + 1: self.reader.submit(self.draw_batches, step + 1)}
        return ready.result()

    def draw_batches(self, step: int) -> tuple[list[Batch], torch.Generator]:
        """As `batches_for_step`, without reading ahead."""
        generator = self.step_generator(step)
        return [self.draw_batch(generator) for _ in range(self.accumulate)], generator

    def draw_batch(self, generator: torch.Generator) -> Batch:
        """One mini-batch on the device, from a data set drawn by weight, augmented if the recipe is `varied`."""
        weights = self.weights.to(generator.device)
        index = int(torch.multinomial(weights, 1, generator=generator))
        batch = self.sources[index].batch(self.count, self.length, generator)
        batch = (batch.pinned() if self.reader and self.device.type == "cuda" else batch).to(self.device)
        return vary_clips(batch, generator) if self.varied else batch


def digits_used(recipe: Recipe, digits: str, data_root: str | Path | None) -> str | None:
    """The training digits that `digits` resolves to here: 'mnist', 'strokes' or 'mixed'; None for data without digits."""
    return resolve_digits(digits, "train", data_root) if any(map(law_of, recipe.data)) else None


def open_for_recipe(
    recipe: Recipe,
    name: str,
    split: str,
    data_root: str | Path | None,
    digits: str,
    device: torch.device | str = "cpu",
    licences: Sequence[str] = (),
    axes: str = "",
) -> ClipSource:
    """A data set at the frame size and channels that a recipe takes.

    Raises:
        ValueError: its clips do not fit the recipe.
    """
    config, crops = recipe.config, recipe.crops
    if crops and split == "train" and name not in SIMULATORS:
        return DATASETS[name].open_crops(name, split, data_root, crops, config.channels, device, licences, axes)
    size = crops.side if crops else config.size
    framing = None if name in SIMULATORS else Framing(size=size, channels=config.channels)
    source = open_dataset(name, split, data_root, digits, device, framing=framing, licences=licences, axes=axes)
    fits = source.channels == config.channels and (crops or source.size == size)  # trained on crops, it takes any size
    if not fits:
        came, wanted = (f"{x.channels} channel(s) of {side}x{side} px" for x, side in ((source, source.size), (config, size)))
        raise ValueError(f"clips of {name} have {came}; {recipe.name} takes {wanted}: choose a data set or a recipe that fits")
    return source


def prepare_source(source: ClipSource) -> None:
    """Lets a source build its caches, with a progress bar; Ctrl-C stops it."""
    if not hasattr(source, "prepare"):
        return
    with tqdm(desc=f"{source.name}: made ready", mininterval=2, delay=1) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        source.prepare(report)
