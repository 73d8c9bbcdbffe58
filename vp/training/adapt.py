"""A model learns one person's own clip: its weights are trained on, on the frames before a moment, for a minute or two.

The last frames of that part are held out. Every so often the averaged weights predict them without chance, and the best ones are
kept where they are clearly ahead of the unadapted ones, so what comes out is never worse there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..core.family import Progress, Recipe
from ..core.predictor import seed_grid
from ..core.runtime import Runtime
from ..core.video import Observation
from ..data import Clip
from ..metrics import CAP_ANY_SIZE_DB, psnr
from ..prediction import checkpoint
from ..prediction.model import Model, build_model
from ..prediction.rows import most_likely_options
from .clip_windows import ClipWindows
from .provenance import commit
from .training_data import check_seed, step_seed
from .updates import NotFinite, Updates, lr_factor

LR = 0.1  # of the recipe's peak
CLIPS = 4  # a step
FINAL_LR = 0.05  # share of the peak at the end of the cosine
CANDIDATES = 10  # times that held-out windows are predicted, evenly spread over the budget


@dataclass(frozen=True)
class Adapting:
    """Progress of an adaptation.

    Args:
        step: steps taken.
        share: of the budget, 0 to 1.
        seconds_left: an estimate, None before the first step.
        loss: of the last step, None before the first one.
        held_out_db: PSNR of the newest candidate on held-out windows.
        best_db, before_db: of the best candidate so far, and of the unadapted weights.
    """

    step: int
    share: float
    seconds_left: float | None
    loss: float | None
    held_out_db: float
    best_db: float
    before_db: float


class Adaptation(Iterator[Adapting]):
    """What `adapt` returns: an iterator that takes one step at a time; after `close` the best model stays available."""

    def __init__(self, model: Model, clip: Clip, minutes: float, until: int | None, seed: int, steps: int | None):
        if not model.weights or not model.family.recipes:
            raise ValueError(f"{model.name} has no weights to train; give a model that was trained")
        if minutes <= 0 or (steps is not None and steps < 1):
            raise ValueError(f"minutes is {minutes} and steps {steps}; give a budget above 0")
        check_seed(seed)
        self.source, self.seed, self.steps, self.budget = model, seed, steps, 60 * minutes
        self.config = checkpoint.config_from_json(model.family.config, model.card["config"])
        self.runtime: Runtime = model.predictor.runtime  # type: ignore[attr-defined]  # those with weights have one
        self.windows = ClipWindows(clip, until, model.predictor.capabilities)
        self.held = self.windows.held_out()
        self.updates = updates(model, self.config, self.runtime)
        self.step, self.spent_s = 0, 0.0
        self.weights: Mapping[str, Tensor] = model.weights
        self.before = torch.empty(0)  # dB of each held-out window, unadapted
        self.best_step, self.best_db = 0, math.nan
        self.records = self.run()

    def __next__(self) -> Adapting:
        return next(self.records)

    def close(self) -> None:
        """Ends the training; `model` and `verdict` stay available."""
        self.records.close()

    def run(self) -> Iterator[Adapting]:
        """Takes steps until the budget is spent, scoring a candidate now and then; a record for each step."""
        begun = time.monotonic()
        self.before = self.score(self.weights)
        newest = self.best_db = self.before_db
        scoring = time.monotonic() - begun  # seconds; the last candidate's must fit into the budget
        yield Adapting(0, 0.0, None, None, newest, newest, newest)
        share, candidates = 0.0, 0
        while share < 1:
            try:
                loss = self.advance(share)
            except NotFinite:  # the best ones so far are sound
                return
            self.spent_s = time.monotonic() - begun
            share = self.step / self.steps if self.steps else (self.spent_s + scoring) / self.budget
            if share >= (candidates + 1) / CANDIDATES:
                candidates = int(share * CANDIDATES)
                newest = self.consider()
                self.spent_s = time.monotonic() - begun
            left = max(0.0, self.spent_s / share * (1 - share) if self.steps else self.budget - self.spent_s)
            yield Adapting(self.step, min(share, 1.0), left, loss, newest, self.best_db, self.before_db)

    def advance(self, share: float) -> float:
        """Takes one step at this share of the budget; returns its loss."""
        seed, device = step_seed(self.seed, 0, self.step, 0), self.runtime.device
        generator = torch.Generator().manual_seed(seed)
        batch, phases = self.windows.batch(CLIPS, generator, device), tuple(self.updates.phases)
        if device.type != "cpu":  # windows are drawn on the CPU, noise where it is used
            generator = torch.Generator(device).manual_seed(seed)
        progress = Progress(self.step, share=1.0, stage=1.0, seed=self.seed)  # the objective as it was when training ended
        terms = self.updates.update([batch], [generator], phases, progress, lr_factor(share, 0.0, FINAL_LR))
        self.updates.follow(phases, self.step)
        self.step += 1
        return float(terms.get(f"{phases[0]}_loss", math.nan))  # an objective may find nothing to learn in a mini-batch

    def consider(self) -> float:
        """Scores the averaged weights, in the precision of a file, and keeps them where they are the best so far.

        They must also be ahead of the unadapted ones by more than the standard error over the held-out windows: few windows of
        one moment say little of what comes after it.
        """
        candidate = checkpoint.to_float32(checkpoint.to_storage_types(self.updates.average.state_dict()))
        if not all(bool(x.isfinite().all()) for x in candidate.values()):
            return math.nan
        scores = self.score(candidate)
        gains, mean = scores - self.before, float(scores.mean())
        certain = len(gains) < 2 or gains.mean() > gains.std() / math.sqrt(len(gains))
        if mean > self.best_db and certain:
            self.weights, self.best_step, self.best_db = candidate, self.step, mean
        return mean

    def score(self, weights: Mapping[str, Tensor]) -> Tensor:
        """PSNR in dB of the future frames of each held-out window, predicted without chance, (K,)."""
        model = build_model(replace(self.runtime, recorder=None), self.source.family, self.source.card, weights)
        predictor, frames, past = model.predictor, self.held.frames, self.windows.past
        options = predictor.options_type()
        observation = Observation.prefix(frames, past, actions=self.held.actions)
        futures = predictor.predict(observation, seed_grid(0, len(frames), 1), most_likely_options(predictor, options) or options)
        return psnr(futures.frames[:, 0, past:], frames[:, past:], cap=CAP_ANY_SIZE_DB).mean(1)

    @property
    def before_db(self) -> float:
        """PSNR of the unadapted weights on the held-out windows; NaN before they are scored."""
        return float(self.before.mean())

    @property
    def helps(self) -> bool:
        """Whether some candidate predicts held-out windows better than the unadapted weights."""
        return self.best_step > 0

    @property
    def verdict(self) -> str:
        """One sentence: what was gained, or that nothing was."""
        held = f"frames {self.windows.first_held} to {len(self.windows.frames) - 1}, which were held out"
        if not self.step:
            return "The model is unchanged."
        if not self.helps:
            return f"Adapting does not help this clip: no candidate predicts {held}, clearly better; the model is unchanged."
        gain = self.best_db - self.before_db
        return f"Adapting helps: {self.best_db:.2f} dB instead of {self.before_db:.2f} (+{gain:.2f}) on {held}."

    @property
    def model(self) -> Model:
        """The best model so far, in memory only; see `save`."""
        return build_model(self.runtime, self.source.family, self.card(), self.weights)

    def card(self) -> dict[str, Any]:
        """The card of the best model so far: that of the original model, and how it was adapted."""
        card, minutes = self.source.card, round(self.spent_s / 60, 2)
        scored = not math.isnan(self.before_db)  # not before the first record
        db = {"before": round(self.before_db, 3), "after": round(self.best_db, 3)} if scored else None
        adapted = {
            "from": self.origin, "frames": len(self.windows.frames), "first_held": self.windows.first_held,
            "minutes": minutes, "steps": self.best_step, "seed": self.seed, "held_out_db": db, "verdict": self.verdict,
        }  # fmt: skip
        about = (
            f"{self.source.name} adapted to one clip" if self.helps else f"{self.source.name}; adapting it to a clip did not help"
        )
        card = {**card, "name": f"{self.origin}-adapted", "about": about, "adapted": adapted}
        return card | self.trained() if self.helps else card

    @property
    def origin(self) -> str:
        """Name of the model before its first adaptation."""
        return self.source.card.get("adapted", {}).get("from", self.source.name)

    def trained(self) -> dict[str, Any]:
        """The entries of a card that change with the weights."""
        card, clips, minutes = self.source.card, self.best_step * CLIPS, round(self.spent_s / 60, 1)
        run = {
            "recipe": self.updates.recipe.name, "init": self.source.name, "data": {}, "seed": self.seed,
            "steps": self.best_step, "clips": clips, "minutes": minutes, "batch": CLIPS, "lr": self.updates.lr,
            "precision": "bf16" if self.runtime.bf16 else "fp32", "device": self.runtime.describe(), "commit": commit(),
            "total": self.steps or self.step,
        }  # fmt: skip
        sums = {"clips": card.get("clips", 0) + clips, "minutes": round(card.get("minutes", 0) + minutes, 1)}
        runs = [*checkpoint.lineage(card), run]
        return {"metrics": {}, "lineage": runs, "step": self.best_step, "commit": run["commit"], **sums}


def adapt(
    model: Model, clip: Clip, minutes: float = 2.0, until: int | None = None, seed: int = 0, steps: int | None = None
) -> Adaptation:
    """Trains a copy of a model on one clip; the model itself stays as it is.

    Args:
        model: what `vp.load` returns, of any family that is trained.
        clip: what to learn, of `vp.data`.
        minutes: time budget.
        until: the first frame that must not be read, nor any after it; None: the whole clip may be learned.
        seed: 0 or more; of the windows and of all else that is random.
        steps: budget in steps instead of minutes; the same seed then gives the same weights.

    Returns:
        An iterator of `Adapting`, a record a step. At any time, after `close` too, its `model` is the best model so far, for
        `vp.sample`, and `verdict` says in a sentence what it gained.

    Raises:
        ValueError: a model without weights to train, a clip too short to learn from or without the actions that the model takes,
            or a wrong number; one sentence.
    """
    return Adaptation(model, clip, minutes, until, seed, steps)


def save(model: Model, path: Path) -> None:
    """Writes an adapted model as a checkpoint; its name will be the file's."""
    card = {name: value for name, value in model.card.items() if name not in ("name", "title", "format")}
    checkpoint.save(path, model.weights, card)


def updates(model: Model, config: Any, runtime: Runtime) -> Updates:
    """A fresh copy of the model's networks, ready to train.

    Raises:
        ValueError: the networks are trained against others that a checkpoint does not hold.
    """
    family = model.family
    config = family.adapting(config)
    if family.critics(config):
        raise ValueError(f"{model.name} is trained against a critic, which its checkpoint does not hold; give another model")
    recipes: dict[str, Recipe] = {recipe.name: recipe for recipe in family.recipes}
    recipe = replace(recipes.get(model.card.get("recipe", ""), family.recipes[0]), config=config)
    networks = family.networks(config)
    networks.load_state_dict(model.weights)
    return Updates(family, recipe, runtime, runtime.place(networks), LR * family.phases(config)[0].lr)
