"""One future from a VPN network: it has no latent, so every seed gives the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ...core.clips import pad_with_last_frame, repeat_per_sample
from ...core.noise import Seeds
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
        functions, recordings = (self.encode, self.predict_block, self.roll_out), runtime.recordings()
        self.captured_encode, self.captured_block, self.captured_rollout = map(recordings.capture, functions)
        same = "this model is deterministic: every future is the same"
        few = f"it was trained on {cfg.least_past} to {cfg.n_past} and has not learned to go on from fewer"
        self.capabilities = Capabilities(
            n_past=(cfg.least_past, None), channels=(cfg.channels,), size=cfg.size, trained_past=cfg.n_past,
            trained_future=cfg.n_future, reasons={"n_futures": same, "seed": same, "n_past": few},
        )  # fmt: skip

    def stream(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Iterator[Step]:
        return self.run(observation, seeds, watched=True)

    def predict(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Prediction:
        """The prediction without intermediate steps, which allows one CUDA graph for the whole rollout."""
        watched = self.runtime.device.type == "cpu" and self.runtime.recorder is None
        return deque(self.run(observation, seeds, watched), maxlen=1).pop().prediction

    @torch.inference_mode()
    def run(self, observation: Observation, seeds: Seeds, watched: bool) -> Iterator[Step]:
        """As `stream`; without `watched` it yields the last step alone."""
        self.check(observation)
        known, total = observation.frames[:, : observation.n_past], observation.frames.shape[1]
        seen, steps, made = known.to(self.runtime.device), total - known.shape[1], 0
        if not watched:
            seen = torch.cat([seen, self.captured_rollout(steps, seen)], 1)
        else:
            state = self.captured_encode(None, seen)
            while made < steps:
                count = min(steps - made, self.network.block)
                state, block = self.captured_block(count, state, seen[:, -self.network.reads :])
                seen, made = torch.cat([seen, block], 1), made + block.shape[1]
                if made < steps:
                    yield Step(
                        made, steps, repeat_per_sample(pad_with_last_frame(seen.to(known.device), total), seeds).clamp(0, 1)
                    )
        frames = repeat_per_sample(torch.cat([known, seen[:, known.shape[1] :].to(known.device)], 1), seeds)
        prediction = Prediction(frames.clamp(0, 1), raw=frames if self.cfg.output == "linear" else None)
        yield Step(steps, steps, prediction.frames, prediction)

    def encode(self, settings: None, context: Tensor) -> Any:
        """The network's state after the known frames (B, P, C, H, W)."""
        with self.runtime.autocast():
            return self.network.encode(context)[0]

    def predict_block(self, count: int, state: Any, seen: Tensor) -> tuple[Any, Tensor]:
        """The state after the next `count` frames, and those frames, float32 (B, count, C, H, W); see `VPNNetwork.advance`."""
        with self.runtime.autocast():
            state, raw = self.network.advance(state, seen, count)
            return state, self.network.to_frames(raw).float()

    def roll_out(self, steps: int, context: Tensor) -> Tensor:
        """All `steps` frames after the known ones (B, P, C, H, W), float32 (B, steps, C, H, W)."""
        with self.runtime.autocast():
            blocks = rollout(self.network, self.network.encode(context)[0], context, steps)
            return torch.cat([self.network.to_frames(raw).float() for raw in blocks], 1)
