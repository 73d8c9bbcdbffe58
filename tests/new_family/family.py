"""A family as somebody new would add it: one folder with all that is to be said of it. Frames in colour, of any size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from vp.core.crops import Crops
from vp.core.family import Family, Losses, Phase, Progress, Recipe, Stage
from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.runtime import Runtime
from vp.core.video import Batch, Capabilities, Observation, Prediction, Step


@dataclass(frozen=True)
class TrendConfig:
    n_past: int = 2
    n_future: int = 3
    channels: int = 3
    width: int = 8


class TrendNetwork(nn.Module):
    """The next frame from the last two: the last one and what a small network adds to it."""

    def __init__(self, cfg: TrendConfig):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2 * cfg.channels, cfg.width, 3, padding=1), nn.ReLU(), nn.Conv2d(cfg.width, cfg.channels, 3, padding=1)
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """(B, C, H, W) each, to the same."""
        return last + self.layers(torch.cat([before, last], 1)).float()


def trend_loss(cfg: TrendConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator) -> Losses:
    made = list(batch.frames[:, : cfg.n_past].unbind(1))
    for _ in range(cfg.n_future):
        made.append(networks["trend"](made[-2], made[-1]))
    mse = (torch.stack(made[cfg.n_past :], 1) - batch.frames[:, cfg.n_past : len(made)]).square().mean()
    return Losses(mse, {"mse": mse})


class TrendPredictor(Predictor):
    def __init__(self, cfg: TrendConfig, networks: nn.ModuleDict, runtime: Runtime):
        self.network, self.runtime = runtime.place(networks["trend"]).eval(), runtime
        self.capabilities = Capabilities(
            n_past=(2, None), channels=(cfg.channels,), trained_past=cfg.n_past, trained_future=cfg.n_future
        )

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Tensor, options: Options | None = None) -> Iterator[Step]:
        self.check(observation)
        made, n_past = list(observation.frames[:, : observation.n_past].to(self.runtime.device).unbind(1)), observation.n_past
        total = observation.frames.shape[1]
        for _ in range(n_past, total):
            with self.runtime.autocast():
                made.append(self.network(made[-2], made[-1]).clamp(0, 1))
        frames = torch.stack(made, 1)[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1).to(observation.frames)
        yield Step(total - n_past, total - n_past, frames, Prediction(frames))


FAMILY = Family(
    name="trend",
    title="A trend that goes on",
    citation="nobody",
    config=TrendConfig,
    networks=lambda cfg: nn.ModuleDict({"trend": TrendNetwork(cfg)}),
    phases=lambda cfg: (Phase("trend", ("trend",), partial(trend_loss, cfg)),),
    predictor=TrendPredictor,
    tiny=TrendConfig,
    recipes=(
        Recipe(
            "trend-folder",
            TrendConfig(),
            {"folder": 1.0},
            (Stage(("trend",)),),
            batch=2,
            crops=Crops(side=32),
            protocol="",
            best_by="mse",
            about="a trend, from any folder of clips",
        ),
    ),
)
