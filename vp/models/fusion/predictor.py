"""One future by way of fusion pictures (a frame's edges and segment in one image), which a person can see, replace and paint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...core.clips import pad_with_last_frame, repeat_per_sample
from ...core.noise import Seeds
from ...core.options import Options, choice, switch
from ...core.predictor import Predictor
from ...core.runtime import Runtime
from ...core.video import Capabilities, Observation, Prediction, Step
from .config import FusionConfig
from .network import predict_pictures
from .pictures import from_overlay, fusion_pictures, to_overlay

PICTURES = "fusion"  # their name in an Observation and a Prediction
TRUE = "fusion_true"


@dataclass(frozen=True)
class FusionOptions(Options):
    """From which pictures frames are painted, and how."""

    pictures: str = choice(
        "predicted",
        {"predicted": "predicted", "true": "true (needs the whole clip)"},
        "The fusion pictures that frames are painted from.",
        "Pictures",
    )
    translator: str = choice(
        "tuned",
        {"tuned": "tuned on predicted pictures", "plain": "trained on true pictures alone"},
        "The network that paints frames.",
        "Translator",
    )
    sharpen: bool = switch(True, "Adds the sharpening branch.", "Sharpen")


class FusionPredictor(Predictor):
    """Predicts fusion pictures and paints frames from them.

    `Observation.pictures["fusion"]`, float32 (B, T, 3, H, W) overlays in [0, 1], replaces pictures where it is not NaN: of a
    known frame before anything is predicted, of a future one before its frame is painted. Later pictures are not predicted from
    replaced future ones, and pictures of the true clip are never replaced. `Prediction.pictures["fusion"]` holds all T of them,
    `["fusion_true"]` those of the true clip where it is given.
    """

    options_type = FusionOptions

    def __init__(self, cfg: FusionConfig, networks: nn.ModuleDict, runtime: Runtime):
        self.cfg, self.runtime = cfg, runtime
        self.networks, recordings = runtime.place(networks).eval(), runtime.recordings()
        self.captured_pictures, self.captured_paint = map(recordings.capture, (self.predict_pictures, self.paint))
        same = "this model is deterministic: every future is the same"
        few = f"its 3D U-Net reads {cfg.n_past} fusion pictures at once"
        self.capabilities = Capabilities(
            n_past=(cfg.n_past, None), channels=(cfg.channels,), size=cfg.size, trained_past=cfg.n_past,
            trained_future=cfg.n_future, pictures={PICTURES: "Fusion pictures"},
            reasons={"n_futures": same, "seed": same, "n_past": few},
        )  # fmt: skip

    def check(self, observation: Observation, options: FusionOptions | None = None) -> None:
        super().check(observation)
        if options is not None and options.pictures == "true" and observation.target is None:
            raise ValueError("pictures is 'true', but there is no true clip; give one as long as the prediction")
        pictures = (observation.pictures or {}).get(PICTURES)
        batch, length, _, height, width = observation.frames.shape
        if pictures is not None and pictures.shape != (batch, length, 3, height, width):
            came = tuple(pictures.shape)
            raise ValueError(f"fusion pictures are {came}; give one in RGB for every frame, {(batch, length, 3, height, width)}")

    @torch.inference_mode()
    def stream(self, observation: Observation, seeds: Seeds, options: FusionOptions | None = None) -> Iterator[Step]:
        options = options or FusionOptions()
        self.check(observation, options)
        known, device = observation.frames[:, : observation.n_past].clone(), self.runtime.device
        past, steps, made = known.to(device), int((~observation.known).sum()), 0
        true = None if observation.target is None else self.fusion_pictures(observation.target.to(device), past.shape[1])
        given = self.given_pictures(observation)
        pictures = with_pictures_replaced(self.fusion_pictures(past, past.shape[1]), given[:, : past.shape[1]])
        predicted = self.captured_pictures(steps, pictures[:, -self.cfg.n_past :])
        own = true[:, -steps:] if options.pictures == "true" else with_pictures_replaced(predicted, given[:, -steps:])
        frames = known
        while made < steps:
            part = own[:, made : made + self.cfg.n_past]
            frames = torch.cat([frames, self.captured_paint(options, part, past[:, -1], pictures[:, -1]).to(frames)], 1)
            made += part.shape[1]
            if made < steps:
                yield Step(made, steps, repeat_per_sample(pad_with_last_frame(frames, past.shape[1] + steps), seeds))
        strips = {PICTURES: torch.cat([pictures, own], 1)} | ({} if true is None else {TRUE: true})
        strips = {
            name: repeat_per_sample(to_overlay(x, self.cfg.drawing).to(frames), seeds).clamp(0, 1) for name, x in strips.items()
        }
        prediction = Prediction(repeat_per_sample(frames, seeds), pictures=strips)
        yield Step(steps, steps, prediction.frames, prediction)

    def fusion_pictures(self, frames: Tensor, n_past: int) -> Tensor:
        """The model's pictures of frames (B, T, C, H, W); a background is learned from the first `n_past`."""
        return fusion_pictures(frames, self.cfg.drawing, n_past)

    def given_pictures(self, observation: Observation) -> Tensor:
        """Replacements in the model's own form, (B, T, P, H, W), NaN where there is none."""
        pictures = (observation.pictures or {}).get(PICTURES)
        if pictures is None:
            batch, length, _, height, width = observation.frames.shape
            pictures = torch.full((batch, length, 3, height, width), float("nan"))
        return from_overlay(pictures.to(self.runtime.device, torch.float32).clamp(0, 1), self.cfg.drawing)

    def predict_pictures(self, steps: int, pictures: Tensor) -> Tensor:
        """The `steps` pictures, float32 (B, steps, P, H, W), after the known ones (B, n_past, P, H, W)."""
        with self.runtime.autocast():
            return predict_pictures(self.networks["predictor"], pictures, steps).float()

    def paint(self, options: FusionOptions, pictures: Tensor, last: Tensor, last_picture: Tensor) -> Tensor:
        """Frames (B, F, C, H, W) in [0, 1] of pictures (B, F, P, H, W), given the last known frame and its picture."""
        flat, count = pictures.flatten(0, 1), pictures.shape[1]
        seen = (x[:, None].expand(-1, count, -1, -1, -1).flatten(0, 1) for x in (last, last_picture))
        with self.runtime.autocast():
            painted = self.networks["tuned" if options.translator == "tuned" else "translator"](flat, *seen)
            if options.sharpen:
                painted = self.networks["sharpener"](flat, painted)
        return painted.float().clamp(0, 1).unflatten(0, pictures.shape[:2])


def with_pictures_replaced(pictures: Tensor, replacements: Tensor) -> Tensor:
    """The pictures, with `replacements` of the same shape where those are not NaN."""
    return torch.where(replacements.isnan(), pictures, replacements)
