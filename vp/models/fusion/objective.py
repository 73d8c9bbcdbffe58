"""Losses of the phases: predicted pictures, painted frames against a critic, sharpened frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.family import Losses, Progress
from ...core.host_random import host_generator
from ...core.settings import scheduled_length
from ...core.video import Batch
from ...nn.adversary import adversarial_terms, is_critic_active, weighted_sum
from ...nn.losses import gradient_difference_loss
from .config import FusionConfig, Objective
from .network import predict_pictures
from .pictures import fusion_pictures

PICTURES = "pictures"  # among the extras of a mini-batch
C1, C2, WINDOW = 0.01**2, 0.03**2, 7  # of SSIM


def clip_pictures(cfg: FusionConfig, batch: Batch) -> Tensor:
    """The fusion pictures of a mini-batch, (B, T, P, H, W), from its masks where it has any.

    The first phase of a step computes them; later ones find them among the extras.
    """
    if PICTURES in batch.extras:
        return batch.extras[PICTURES]
    masks = batch.extras.get("masks")
    if masks is None and "objects" in batch.extras:
        masks = batch.extras["objects"][:, :, None]
    return fusion_pictures(batch.frames, cfg.drawing, cfg.n_past, masks)


def draw_fraction(generator: torch.Generator) -> float:
    """A uniform random number in [0, 1)."""
    return float(torch.rand((), generator=host_generator(generator)))


def predictor_loss(
    cfg: FusionConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Loss of stage one. A second call reads the pictures of the first, so that it learns not to drift."""
    network, objective, n = networks["predictor"], cfg.objective, cfg.n_past
    pictures = clip_pictures(cfg, batch)
    count = scheduled_length(objective.lengths, progress.stage, pictures.shape[1] - n)
    if draw_fraction(generator) < objective.once:
        count = min(count, n)
    future = [network(pictures[:, :n])]
    while len(future) * n < count:
        future.append(network(future[-1].detach()))
    parts = picture_losses(objective, torch.cat(future, 1)[:, :count], pictures[:, n : n + count])
    total = sum(getattr(objective, name) * x for name, x in parts.items())
    return Losses(total, {f"pictures_{name}": x for name, x in parts.items()}, {PICTURES: pictures})


def picture_losses(objective: Objective, predicted: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """The losses with a weight, and always the squared error, of pictures (B, F, P, H, W)."""
    parts = {"mse": (predicted - truth).square().mean()}
    if objective.l1:
        parts["l1"] = (predicted - truth).abs().mean()
    if objective.ssim:
        parts["ssim"] = 1 - mean_ssim(predicted.flatten(0, 1), truth.flatten(0, 1))
    return parts


def mean_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean SSIM (Wang et al. 2004, eq. 13, range 1) over uniform 7x7 windows of pictures (M, C, H, W)."""
    moments = F.avg_pool2d(torch.cat([a, b, a * a + b * b, a * b]).float(), WINDOW, 1)
    mean_a, mean_b, squares, product = moments.chunk(4)
    means, mean_squares = mean_a * mean_b, mean_a * mean_a + mean_b * mean_b
    covariance, variances = product - means, squares - mean_squares
    return ((2 * means + C1) * (2 * covariance + C2) / ((mean_squares + C1) * (variances + C2))).mean()


class PaintingTask(NamedTuple):
    """What a translator paints in a mini-batch.

    Args:
        pictures: (M, P, H, W).
        last, last_pictures: the last known frames (M, C, H, W) and their pictures (M, P, H, W).
        truth: the true frames (M, C, H, W).
    """

    pictures: Tensor
    last: Tensor
    last_pictures: Tensor
    truth: Tensor

    def paint_with(self, network: nn.Module) -> Tensor:
        """The frames (M, C, H, W) that this translator paints."""
        return network(self.pictures, self.last, self.last_pictures)


def draw_painting_task(
    cfg: FusionConfig, networks: nn.ModuleDict, frames: Tensor, pictures: Tensor, generator: torch.Generator, predicted: bool
) -> PaintingTask:
    """Some random future times of every clip.

    Args:
        frames: (B, T, C, H, W).
        pictures: (B, T, P, H, W), true ones.
        predicted: whether the future pictures are predicted by stage one instead.
    """
    n, (count, length) = cfg.n_past, frames.shape[:2]
    if predicted:
        with torch.no_grad():
            future = predict_pictures(networks["predictor"], pictures[:, :n], length - n)
        pictures = torch.cat([pictures[:, :n], future.to(pictures.dtype)], 1)
    draws = torch.rand(count, cfg.objective.frames, generator=generator, device=generator.device)
    times = (n + draws * (length - n)).long().to(pictures.device)
    rows = torch.arange(count, device=times.device)[:, None]
    before = torch.full_like(times, n - 1)
    parts = pictures[rows, times], frames[rows, before], pictures[rows, before], frames[rows, times]
    return PaintingTask(*(part.flatten(0, 1) for part in parts))


class PaintingWeights(NamedTuple):
    """Weights of the losses of painted frames, see `Objective`."""

    adversarial: float
    l1: float
    mse: float
    matching: float


def painting_weights(objective: Objective, name: str) -> PaintingWeights:
    """The weights for 'translator' or for 'tuned'."""
    if name == "tuned":
        return PaintingWeights(objective.tuned_adversarial, objective.tuned_l1, objective.tuned_mse, objective.tuned_matching)
    return PaintingWeights(objective.adversarial, objective.frame_l1, objective.frame_mse, objective.matching)


def translator_loss(
    cfg: FusionConfig, name: str, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Loss of stage two: `name` is 'translator', which paints from true pictures, or 'tuned', from predicted ones."""
    weights = painting_weights(cfg.objective, name)
    pictures = clip_pictures(cfg, batch)
    task, outputs = draw_painting_task(cfg, networks, batch.frames, pictures, generator, name == "tuned"), {PICTURES: pictures}
    painted, truth = task.paint_with(networks[name]), task.truth
    parts = {"l1": (painted - truth).abs().mean(), "mse": (painted - truth).square().mean()}
    total, terms = weights.l1 * parts["l1"] + weights.mse * parts["mse"], {f"{name}_{key}": x for key, x in parts.items()}
    if is_critic_active(weights, progress):
        real, fake = (torch.cat([task.pictures, frames], 1) for frames in (truth, painted))
        judged, shown = adversarial_terms(networks, real, fake)
        total, terms, outputs = total + weighted_sum(weights, judged), terms | judged, outputs | shown
    return Losses(total, terms, outputs)


def sharpener_loss(
    cfg: FusionConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Loss of stage three: half of the mini-batches on frames from true pictures, half on those from predicted ones."""
    objective, predicted = cfg.objective, draw_fraction(generator) < 0.5
    pictures = clip_pictures(cfg, batch)
    task = draw_painting_task(cfg, networks, batch.frames, pictures, generator, predicted)
    with torch.no_grad():
        painted = task.paint_with(networks["tuned" if predicted else "translator"])
    sharp, truth = networks["sharpener"](task.pictures, painted), task.truth
    l1, mse = (sharp - truth).abs().mean(), (sharp - truth).square().mean()
    gradient = gradient_difference_loss(sharp, truth)
    total = objective.sharp_l1 * l1 + objective.sharp_mse * mse + objective.sharp_gradient * gradient
    return Losses(
        total, {"sharp_mse": mse, "sharp_gradient": gradient, "dull_mse": (painted - truth).square().mean()}, {PICTURES: pictures}
    )
