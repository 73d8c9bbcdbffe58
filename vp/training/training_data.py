"""Mini-batches for training."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..core.family import Recipe
from ..core.host_memory import to_device
from ..core.processes import ALONE, Processes
from ..core.video import Batch
from ..data import DATASETS, SIMULATORS, ClipSource, Framing, law_of, open_dataset
from ..data.digits.banks import resolve_digits
from ..data.drawn import Drawn, Feed
from .augment import draw_variation, vary_clips
from .feeding import open_feed, progress_bar
from .imposed_motion import draw_motion, impose_motion

READERS = 4  # threads that decode or look for motion, each for another step
STEPS_AHEAD = 6  # steps that are read in the background, more than there are threads
STEPS_TOGETHER = 8  # steps whose clips a GPU makes at once, where it takes no longer to make them all than those of one
SEEDS = 2**32  # there are so many: torch's CPU generator keeps the low 32 bits of a seed and drops the rest


def step_seed(seed: int, continuation: int, step: int, index: int) -> int:
    """The seed of everything random about one mini-batch, below 2**32, so that it means the same to generators of all devices.

    Args:
        seed: of the run.
        continuation: how many runs lie behind the weights that this one began from.
        step: of this run.
        index: of the mini-batch within the step, whichever process computes it.
    """
    return int(np.random.SeedSequence((seed, continuation, step, index)).generate_state(1)[0])


def check_seed(seed: int) -> None:
    """Raises ValueError for a seed that is negative or has more than 32 bits."""
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed is {seed}; give a whole number from 0 to {SEEDS - 1}")


def check_shares(mini_batches: int, processes: Processes) -> None:
    """Raises ValueError where processes cannot have equally many of a step's mini-batches."""
    if mini_batches % processes.count:
        raise ValueError(
            f"a step of {mini_batches} mini-batch(es) cannot be shared by {processes.count} processes; give --accumulate "
            f"{processes.count} or a multiple of it, or start as many processes as divide {mini_batches}"
        )


@dataclass(frozen=True)
class Portion:
    """Mini-batches of several generators from one feed; `places` are the generators' indices."""

    feed: Feed
    places: list[int]
    drawn: Drawn
    variation: Tensor | None
    motion: Tensor | None


@dataclass(frozen=True)
class Made:
    """A mini-batch with uint8 frames on the device, how it will be varied, and the motion that will be imposed on it."""

    batch: Batch
    variation: Tensor | None
    motion: Tensor | None


class TrainingData:
    """Mini-batches of a recipe; each depends only on the seed, on `continuation` (see `step_seed`), its step and its place in it.

    All of their random numbers are drawn on the CPU, so that a GPU sees the same clips. A step has `accumulate` mini-batches;
    several processes share them out.

    Raises:
        ValueError: a seed out of range, a data set that is not there or does not fit, or mini-batches that cannot be shared out.
    """

    def __init__(
        self, recipe: Recipe, device: torch.device, *, batch: int, seed: int, digits: str, data_root: str | Path | None,
        processes: Processes = ALONE, accumulate: int = 1, continuation: int = 0, licences: Sequence[str] = (),
        axes: str = "",
    ):  # fmt: skip
        check_seed(seed)
        check_shares(accumulate, processes)
        self.device, self.count, self.processes, self.accumulate = device, batch, processes, accumulate
        self.own = range(processes.index, accumulate, processes.count)  # mini-batches of a step that this process computes
        self.seed, self.continuation = seed, continuation
        self.run_seed = step_seed(seed, continuation, 0, 0)  # of what is drawn for longer than a step
        self.varied, self.imposed = recipe.varied, recipe.imposed
        self.length = recipe.length or recipe.config.n_past + recipe.config.n_future
        with processes.first_here_goes_first():
            names = list(recipe.data)
            self.sources = [open_for_recipe(recipe, name, "train", data_root, digits, "cpu", licences, axes) for name in names]
            for source in self.sources:
                prepare_source(source)
        self.feeds = [open_feed(source, self.length, device) for source in self.sources]
        self.weights = torch.tensor(list(recipe.data.values()))
        reads = any(feed.reads for feed in self.feeds)
        self.reader = ThreadPoolExecutor(READERS) if reads and device.type == "cuda" else None
        simulated = not reads and set(recipe.data) <= set(SIMULATORS)
        self.steps_together = STEPS_TOGETHER if simulated and device.type == "cuda" else 1
        self.waiting: dict[int, Future] = {}  # step -> what `draw_steps` gives
        self.made: dict[int, tuple[list[Made], list[torch.Generator]]] = {}  # step -> its mini-batches

    def set_batch(self, batch: int) -> None:
        """Changes the number of clips of a mini-batch."""
        self.count, self.waiting, self.made = batch, {}, {}

    def step_generator(self, step: int, index: int = 0) -> torch.Generator:
        """The random generator of a step's mini-batch, on the CPU."""
        return torch.Generator().manual_seed(step_seed(self.seed, self.continuation, step, index))

    def sample(self, clips: int) -> Batch:
        """Clips of the first data set on the CPU, for statistics; the same in every process."""
        return self.sources[0].batch(clips, self.length, self.step_generator(0)).to("cpu")

    def batches_for_step(self, step: int) -> tuple[list[Batch], list[torch.Generator]]:
        """This process's mini-batches of a step, and for each its generator on the device, of all else that is random about it.

        With a GPU, the clips of the next steps are read in the background where they come from files, and made several steps at a
        time where the GPU makes them.
        """
        if self.reader is not None:
            ready = self.waiting.pop(step, None) or self.reader.submit(self.draw_steps, [step])
            ahead = range(step + 1, step + 1 + STEPS_AHEAD)
            self.waiting = {s: self.waiting.get(s) or self.reader.submit(self.draw_steps, [s]) for s in ahead}
            self.made = self.make_steps([step], *ready.result())
        elif step not in self.made:
            steps = list(range(step, step + self.steps_together))
            self.made = self.make_steps(steps, *self.draw_steps(steps))
        made, generators = self.made.pop(step)
        if self.device.type != "cpu":  # a CPU goes on with the generators that drew the clips
            generators = [torch.Generator(self.device).manual_seed(x.initial_seed()) for x in generators]
        return [self.finish(one) for one in made], generators

    def draw_steps(self, steps: Sequence[int]) -> tuple[list[list[Portion]], list[list[torch.Generator]]]:
        """The mini-batches of steps, the first of each, then the second, as `draw` gives them, and the generators of each."""
        generators = [[self.step_generator(step, index) for step in steps] for index in self.own]
        portions = [self.draw(turn) for turn in generators]
        if self.reader is not None and self.device.type == "cuda":  # page-locking takes time too
            portions = [[replace(portion, drawn=portion.drawn.pinned()) for portion in turn] for turn in portions]
        return portions, generators

    def make_steps(
        self, steps: Sequence[int], portions: list[list[Portion]], generators: list[list[torch.Generator]]
    ) -> dict[int, tuple[list[Made], list[torch.Generator]]]:
        """Step -> its mini-batches and their generators, from what `draw_steps` gives."""
        turns = [self.make(turn) for turn in portions]
        return {step: ([made[i] for made in turns], [turn[i] for turn in generators]) for i, step in enumerate(steps)}

    def draw(self, generators: Sequence[torch.Generator]) -> list[Portion]:
        """Draws one mini-batch for each generator, from a data set that is drawn by weight."""
        chosen: dict[int, list[int]] = {}
        for place, generator in enumerate(generators):
            chosen.setdefault(int(torch.multinomial(self.weights, 1, generator=generator)), []).append(place)
        portions = []
        for index, places in chosen.items():
            own = [generators[place] for place in places]
            drawn = self.feeds[index].draw(self.count, self.length, own)
            variation = draw_variation(self.count, own) if self.varied and drawn.plain else None
            motion = draw_motion(self.count, own) if self.imposed and drawn.plain else None
            portions.append(Portion(self.feeds[index], places, drawn, variation, motion))
        return portions

    def make(self, portions: Sequence[Portion]) -> dict[int, Made]:
        """Index of a generator -> its mini-batch."""
        made = {}
        for portion in portions:
            batch = portion.feed.build(portion.drawn.to(self.device))
            draws = [None if x is None else to_device(x, self.device) for x in (portion.variation, portion.motion)]
            for number, place in enumerate(portion.places):
                own = slice(number * self.count, (number + 1) * self.count)
                made[place] = Made(batch.rows(own), *(None if x is None else x[own] for x in draws))
        return made

    def finish(self, made: Made) -> Batch:
        """A mini-batch with frames float32 in [0, 1], varied and with imposed motion if the recipe says so."""
        batch = made.batch.to(self.device)
        batch = batch if made.variation is None else vary_clips(batch, made.variation)
        return batch if made.motion is None else impose_motion(batch, made.motion, self.imposed)

    def draw_batch(self, generator: torch.Generator) -> Batch:
        """One mini-batch of a generator on the CPU."""
        return self.finish(self.make(self.draw([generator]))[0])


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
    with progress_bar(f"{source.name}: made ready") as progress:
        source.prepare(progress)
