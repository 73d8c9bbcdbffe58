"""What a model family declares: plain records that training, prediction, the CLI and the UI work from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .crops import Crops
from .predictor import Predictor
from .runtime import Runtime
from .video import Batch


@dataclass(frozen=True)
class Progress:
    """Where training stands; schedules are functions of this alone, so they survive resuming."""

    step: int = 0
    clips: int = 0
    epoch: float = 0.0
    share: float = 0.0  # of the budget, 0 at the start and 1 at the end
    stage: float = 0.0  # the same of the current stage
    seed: int = 0  # of the run, below 2**32: for what is drawn for longer than a step
    phases: tuple[str, ...] | None = None  # that take turns in the current stage; None: all there are

    def trains(self, phase: str) -> bool:
        return self.phases is None or phase in self.phases


@dataclass(frozen=True)
class Losses:
    """What a phase's turn computes on a mini-batch.

    Args:
        total: scalar to minimise.
        terms: scalars for the log.
        outputs: detached tensors for the turns that follow in the same step; they find them among the extras of their mini-batch.
    """

    total: Tensor
    terms: Mapping[str, Tensor] = field(default_factory=dict)
    outputs: Mapping[str, Tensor] = field(default_factory=dict)


# None where a batch has nothing to learn from
LossFn = Callable[[nn.ModuleDict, Batch, Progress, torch.Generator], Losses | None]


@dataclass(frozen=True)
class Phase:
    """One optimiser's turn: it updates the networks named in `trains` by `loss`; `optimizer` is 'muon' or 'adamw'."""

    name: str
    trains: tuple[str, ...]
    loss: LossFn
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    optimizer: str = "muon"


@dataclass(frozen=True)
class Stage:
    """A stretch of training.

    Args:
        phases: those that take turns in it.
        share: of the budget's steps.
        init: network -> the one whose averaged weights it starts from in this stage, where that is not its own.

    The learning rate warms up and falls once a stage, and the averaged weights are averaged anew; networks that no phase
    trains keep what they had. A stage after the first goes on from the averaged weights of the ones before.
    """

    phases: tuple[str, ...]
    share: float = 1.0
    init: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """Everything that makes one checkpoint; `python -m vp train NAME` runs it.

    Args:
        config: the family's config.
        data: training data sets of `vp.data` with their weights in the mix.
        batch: clips a step.
        length: frames a clip, or None for config.n_past + config.n_future.
        warmup: share of a stage's steps for linear warm-up before the cosine.
        final_lr: share of the peak at its end.
        ema: decay of the averaged weights.
        clip: gradient-norm limit.
        protocol: what validation during training scores (on validation clips of its own); "": the validation split of the first
            of `data`, config.n_past frames given and config.n_future predicted.
        best_by: the number of it that chooses the best weights: 'ssim_best' or 'psnr_db', the higher the better, or 'mse' or
            'crps', the lower.
        epoch_clips: clips of an epoch, for schedules and plots.
        crops: training windows are cut from whole frames of recordings of any size; None: clips have the config's size.
        varied: training clips are mirrored, cut and lit at random, for few recordings (`vp.training.augment`).
    """

    name: str
    config: Any
    data: Mapping[str, float]
    stages: tuple[Stage, ...]
    batch: int = 16
    length: int | None = None
    warmup: float = 0.03
    final_lr: float = 0.02
    ema: float = 0.999
    clip: float = 1.0
    epoch_clips: int = 60_000
    protocol: str = "smmnist-svg"
    best_by: str = "ssim_best"
    crops: Crops | None = None
    varied: bool = False
    about: str = ""


@dataclass(frozen=True)
class Family:
    """A model family: how its networks are built, trained and sampled.

    Args:
        config: the dataclass that describes one of its models.
        networks: config -> nn.ModuleDict of named networks.
        critics: config -> networks that only training needs, a discriminator say; checkpoints leave them out.
        phases: config -> the optimisers' turns (empty: the family has nothing to train).
        predictor: (config, networks, runtime) -> Predictor.
        tiny: () -> the smallest config, for tests.
        fit_statistics: (config, networks, draw) takes what the networks must know of the training data, the scale of its
            actions say, before the first step; draw(clips) gives a Batch on the CPU. Raises ValueError where the data lack it.
        recipes: what can be trained by name.
        adapting: config -> the one under which a model goes on to learn a single clip (`vp.training.adapt`); weights of the
            objective alone may differ.
        reference_rows: label -> options for extra rows that an evaluation shows (an oracle, say).
        benchmark_losses: label -> (config, phase loss) of training steps that `python -m vp bench train` times beside each other;
            the first is the plain way of doing it.
    """

    name: str
    title: str
    citation: str
    config: type
    networks: Callable[[Any], nn.ModuleDict]
    phases: Callable[[Any], tuple[Phase, ...]]
    predictor: Callable[[Any, nn.ModuleDict, Runtime], Predictor]
    tiny: Callable[[], Any]
    critics: Callable[[Any], nn.ModuleDict] = lambda config: nn.ModuleDict()
    fit_statistics: Callable[[Any, nn.ModuleDict, Callable[[int], Batch]], None] = lambda config, networks, draw: None
    recipes: tuple[Recipe, ...] = ()
    adapting: Callable[[Any], Any] = lambda config: config
    reference_rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    benchmark_losses: Mapping[str, tuple[Any, LossFn]] = field(default_factory=dict)
