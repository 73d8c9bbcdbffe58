"""One future from a VPN network: it has no latent, so every seed gives the same."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ...core.clips import pad_with_last_frame, repeat_per_sample
from ...core.options import Options
from ...core.predictor import Predictor
from ...core.runtime import Runtime
from ...core.video import Capabilities, Observation, Prediction, Step
from .config import VPNConfig
from .network import VPNNetwork, rollout


class VPNPredictor(Predictor):
    """Rolls a network forward on its own frames, once a clip, whatever the number of futures."""

    def __init__(self, cfg: VPNConfig, network: VPNNetwork, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.network = runtime.place(network).eval()
        same = "this model is deterministic: every future is the same"
        few = f"it was trained on {cfg.least_past} to {cfg.n_past} and has not learned to go on from fewer"
        self.capabilities = Capabilities(
            n_past=(cfg.least_past, None), channels=(cfg.channels,), size=cfg.size, trained_past=cfg.n_past,
            trained_future=cfg.n_future, reasons={"n_futures": same, "seed": same, "n_past": few},
        )  # fmt: skip

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Tensor, options: Options | None = None) -> Iterator[Step]:
        self.check(observation)
        known, total = observation.frames[:, : observation.n_past], observation.frames.shape[1]
        context, steps, made = known.to(self.runtime.device), total - known.shape[1], 0
        with self.runtime.autocast():
            state, _ = self.network.encode(context)
        blocks, raw = rollout(self.network, state, context, steps), known
        while made < steps:
            with self.runtime.autocast():
                block = self.network.to_frames(next(blocks)).float()
            raw, made = torch.cat([raw, block.to(raw.device)], 1), made + block.shape[1]
            if made < steps:
                yield Step(made, steps, repeat_per_sample(pad_with_last_frame(raw, total), seeds).clamp(0, 1))
        frames = repeat_per_sample(raw, seeds)
        prediction = Prediction(frames.clamp(0, 1), raw=frames if self.cfg.output == "linear" else None)
        yield Step(steps, steps, prediction.frames, prediction)
