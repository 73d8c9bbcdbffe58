"""Validation during training: scores on a few clips, never those of the protocol, and a strip of frames as an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..core.family import Family, Recipe
from ..core.options import Options
from ..core.predictor import Predictor, seed_grid
from ..core.runtime import Runtime
from ..core.video import Observation
from ..data import CHOICES, PROTOCOLS
from ..metrics import ERRORS, Ensemble, crps, mse, psnr, sharpness, spread_skill, ssim
from ..prediction.rows import most_likely_options, reference_row_options, select_actions
from .training_data import open_for_recipe, prepare_source

CLIPS, SAMPLES, SEED = 24, 5, 77
LOWER_IS_BETTER = (*ERRORS, "crps")


class Validation:
    """Scores the averaged weights on fixed validation clips of the recipe's protocol, or of its first data set."""

    def __init__(self, family: Family, recipe: Recipe, settings: Any, runtime: Runtime):
        self.family, self.recipe, self.runtime = family, recipe, runtime
        lengths = PROTOCOLS[recipe.protocol] if recipe.protocol else recipe.config
        dataset = lengths.dataset if recipe.protocol else next(iter(recipe.data))
        self.n_past = lengths.n_past
        source = open_for_recipe(recipe, dataset, CHOICES, settings.data_root, settings.digits, axes=settings.axes)
        prepare_source(source)
        self.clips = source.batch(CLIPS, lengths.n_past + lengths.n_future, torch.Generator().manual_seed(SEED)).to("cpu")

    def score(self, networks: nn.ModuleDict, step: int, out: Path) -> dict[str, float]:
        """Scores the networks and writes a strip of frames for this step.

        Returns:
            Mean and best-of-5 PSNR and SSIM, summed squared error, CRPS, spread-skill ratio, sharpness, PSNR and SSIM of the
            family's reference rows and of the most likely future, and `score`: the recipe's `best_by`, higher being better.
        """
        training = networks.training
        predictor = self.family.predictor(self.recipe.config, networks, self.runtime)
        samples = SAMPLES if predictor.capabilities.stochastic else 1
        futures = self.predict(predictor, samples)
        scores = self.summarize(futures)
        strips = [self.clips.frames[:4], *futures[:4, :3].unbind(1)]
        rows = reference_row_options(self.family, predictor)
        calm = most_likely_options(predictor, predictor.options_type())
        for label, options in (rows if calm is None else {**rows, "most_likely": calm}).items():
            row = self.predict(predictor, 1, options)
            scores |= {f"{label}_{name}": x for name, x in self.summarize(row).items() if name in ("psnr_db", "ssim")}
            strips.insert(1, row[:4, 0])
        self.write_strip(out / "strips" / f"{step:07d}.png", torch.stack(strips, 1))
        networks.train(training)
        chosen = self.recipe.best_by
        return {"score": -scores[chosen] if chosen in LOWER_IS_BETTER else scores[chosen], **scores}

    def predict(self, predictor: Predictor, samples: int, options: Options | None = None) -> Tensor:
        """Futures (clips, samples, T, C, H, W), known frames included."""
        frames, actions = self.clips.frames, select_actions(self.clips, predictor.capabilities.actions)
        observation = Observation.prefix(frames, self.n_past, target=frames, actions=actions)
        seeds = seed_grid(SEED, len(frames), samples)
        return predictor.predict(observation, seeds, options).frames

    def summarize(self, futures: Tensor) -> dict[str, float]:
        """Scores of futures (clips, samples, T, C, H, W) against the validation clips."""
        truth, future = self.clips.frames[:, None, self.n_past :], futures[:, :, self.n_past :]
        quality = {"psnr_db": psnr(future, truth).mean(-1), "ssim": ssim(future, truth).mean(-1)}
        out = {name: float(x.mean()) for name, x in quality.items()}
        out |= {f"{name}_best": float(x.amax(1).mean()) for name, x in quality.items()}
        out["mse"] = float(mse(future, truth).mean())
        ensemble = Ensemble.from_samples(future, truth[:, 0])
        out |= {"crps": float(crps(ensemble).mean()), "spread_skill": float(spread_skill(ensemble).nan_to_num())}
        sharp = sharpness(future, truth).nanmean((0, 1))
        return out | {"sharpness_first": float(sharp[0]), "sharpness_last": float(sharp[-1])}

    def write_strip(self, path: Path, rows: Tensor) -> None:
        """Writes an image of rows (clips, R, T, C, H, W): a line of frames for each row, clips below each other."""
        import cv2

        path.parent.mkdir(parents=True, exist_ok=True)
        clips, count, length, channels, height, width = rows.shape
        picture = rows.permute(0, 1, 4, 2, 5, 3).reshape(clips * count * height, length * width, channels)
        pixels = (picture.clamp(0, 1) * 255).round().byte().numpy()
        cv2.imwrite(str(path), pixels[..., ::-1] if channels == 3 else pixels)
