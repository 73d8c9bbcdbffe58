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
    """Where training stands. Schedules depend on this record alone, so a resumed run continues them exactly."""

    step: int = 0
    clips: int = 0
    epoch: float = 0.0
    share: float = 0.0  # of the training budget spent, from 0 to 1
    stage: float = 0.0  # the same for the current stage
    seed: int = 0  # of the run, below 2**32: for random choices that hold for more than one step
    phases: tuple[str, ...] | None = None  # trained in the current stage; None: all

    def trains(self, phase: str) -> bool:
        """Whether the phase of this name is trained in the current stage."""
        return self.phases is None or phase in self.phases


@dataclass(frozen=True)
class Losses:
    """Result of one phase's loss on a mini-batch.

    Args:
        total: scalar to minimise.
        terms: scalars for the log.
        outputs: detached tensors for the later phases of the same step, which find them in the `extras` of their mini-batch.
    """

    total: Tensor
    terms: Mapping[str, Tensor] = field(default_factory=dict)
    outputs: Mapping[str, Tensor] = field(default_factory=dict)


# None where the phase has nothing to learn from this batch
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
    """A part of the training schedule.

    Args:
        phases: names of the phases trained in it, one after the other in each step.
        share: of the budget's steps.
        init: network -> another network whose averaged weights it starts from in this stage.

    Each stage has its own learning-rate schedule (warm-up, then cosine) and its own weight average. Networks that no phase trains
    keep their weights. A later stage starts from the averaged weights of the stage before.
    """

    phases: tuple[str, ...]
    share: float = 1.0
    init: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """All settings that define the training of one checkpoint; `python -m vp train NAME` runs it.

    Args:
        config: the family's config.
        data: name of a data set of `vp.data` -> its weight in the mix.
        batch: clips per step.
        length: frames per clip, or None for config.n_past + config.n_future.
        warmup: share of a stage's steps for linear warm-up before the cosine.
        final_lr: learning rate at the end, as a share of the peak.
        ema: decay of the exponential moving average of the weights.
        clip: gradient-norm limit.
        protocol: name of the protocol that validation during training scores (on its validation clips); "": the validation split
            of the first data set, with config.n_past known and config.n_future predicted frames.
        best_by: validation metric that selects the best weights: 'ssim_best' or 'psnr_db' (highest), 'mse' or 'crps' (lowest).
        epoch_clips: number of clips that counts as an epoch, for schedules and plots.
        crops: training windows are cut from whole frames of recordings of any size; None: clips have the config's size.
        varied: augment training clips (mirroring, cropping, brightness), for small data sets (`vp.training.augment`).
        imposed: share of training clips that a synthetic motion is added to (`vp.training.imposed_motion`).
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
    imposed: float = 0.0
    about: str = ""


@dataclass(frozen=True)
class Family:
    """A model family: how its networks are built, trained and sampled.

    Args:
        config: the dataclass that describes one of its models.
        networks: config -> nn.ModuleDict of named networks.
        critics: config -> networks needed for training only, such as a discriminator; not saved in checkpoints.
        phases: config -> the phases of training (empty: the family has nothing to train).
        predictor: (config, networks, runtime) -> Predictor.
        tiny: () -> the smallest config, for tests.
        fit_statistics: (config, networks, draw) stores statistics of the training data in the networks before the first step,
            such as the scale of actions; draw(clips) returns a Batch on the CPU. Raises ValueError where the data lack it.
        recipes: the trainings offered by name.
        adapting: config -> config for fine-tuning on a single clip (`vp.training.adapt`); only loss weights may differ.
        reference_rows: label -> sampling options of extra rows in an evaluation, such as an oracle.
        benchmark_losses: label -> (config, phase loss) of training steps that `python -m vp bench train` compares; the first is
            the baseline.
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
