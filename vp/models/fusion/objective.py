"""What the phases minimise: predicted pictures, painted frames against a critic, sharpened frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.family import Losses, Progress
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
    """The fusion pictures of a mini-batch, with the masks that came with it where there are any; the first phase of a step draws
    them and passes them on."""
    if PICTURES in batch.extras:
        return batch.extras[PICTURES]
    masks = batch.extras.get("masks")
    if masks is None and "objects" in batch.extras:
        masks = batch.extras["objects"][:, :, None]
    return fusion_pictures(batch.frames, cfg.drawing, cfg.n_past, masks)


def chance(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator, device=generator.device))


def predictor_loss(
    cfg: FusionConfig, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Stage one. Where a second call is due it starts from the first one's pictures, so that it learns not to drift."""
    network, objective, n = networks["predictor"], cfg.objective, cfg.n_past
    pictures = clip_pictures(cfg, batch)
    count = scheduled_length(objective.lengths, progress.stage, pictures.shape[1] - n)
    if chance(generator) < objective.once:
        count = min(count, n)
    future = [network(pictures[:, :n])]
    while len(future) * n < count:
        future.append(network(future[-1].detach()))
    parts = picture_losses(objective, torch.cat(future, 1)[:, :count], pictures[:, n : n + count])
    total = sum(getattr(objective, name) * x for name, x in parts.items())
    return Losses(total, {f"pictures_{name}": x for name, x in parts.items()}, {PICTURES: pictures})


def picture_losses(objective: Objective, predicted: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """Those that have a weight, and always the squared error; pictures (B, F, C, H, W)."""
    parts = {"mse": (predicted - truth).square().mean()}
    if objective.l1:
        parts["l1"] = (predicted - truth).abs().mean()
    if objective.ssim:
        parts["ssim"] = 1 - similarity(predicted.flatten(0, 1), truth.flatten(0, 1))
    return parts


def similarity(a: Tensor, b: Tensor) -> Tensor:
    """Mean SSIM (Wang et al. 2004, eq. 13, range 1) over uniform 7x7 windows of pictures (M, C, H, W)."""
    moments = F.avg_pool2d(torch.cat([a, b, a * a + b * b, a * b]).float(), WINDOW, 1)
    mean_a, mean_b, squares, product = moments.chunk(4)
    means, mean_squares = mean_a * mean_b, mean_a * mean_a + mean_b * mean_b
    covariance, variances = product - means, squares - mean_squares
    return ((2 * means + C1) * (2 * covariance + C2) / ((mean_squares + C1) * (variances + C2))).mean()


class Task(NamedTuple):
    """What is painted: pictures (M, P, H, W), the last known frames and their pictures, and the true frames (M, C, H, W)."""

    pictures: Tensor
    last: Tensor
    last_pictures: Tensor
    truth: Tensor

    def painted(self, network: nn.Module) -> Tensor:
        return network(self.pictures, self.last, self.last_pictures)


def translation(
    cfg: FusionConfig, networks: nn.ModuleDict, frames: Tensor, pictures: Tensor, generator: torch.Generator, predicted: bool
) -> Task:
    """Some future times of every clip (B, T, C, H, W), from its pictures (B, T, P, H, W) or from predicted ones."""
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
    return Task(*(part.flatten(0, 1) for part in parts))


class Painting(NamedTuple):
    """Weights of the losses of painted frames, see `Objective`."""

    adversarial: float
    l1: float
    mse: float
    matching: float


def painting(objective: Objective, name: str) -> Painting:
    """The weights for 'translator' or for 'tuned'."""
    if name == "tuned":
        return Painting(objective.tuned_adversarial, objective.tuned_l1, objective.tuned_mse, objective.tuned_matching)
    return Painting(objective.adversarial, objective.frame_l1, objective.frame_mse, objective.matching)


def translator_loss(
    cfg: FusionConfig, name: str, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """Stage two: `name` is 'translator', which paints from true pictures, or 'tuned', which paints from predicted ones."""
    weights = painting(cfg.objective, name)
    pictures = clip_pictures(cfg, batch)
    task, outputs = translation(cfg, networks, batch.frames, pictures, generator, name == "tuned"), {PICTURES: pictures}
    painted, truth = task.painted(networks[name]), task.truth
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
    """Stage three: half of the mini-batches on frames from true pictures, half on those from predicted ones."""
    objective, predicted = cfg.objective, chance(generator) < 0.5
    pictures = clip_pictures(cfg, batch)
    task = translation(cfg, networks, batch.frames, pictures, generator, predicted)
    with torch.no_grad():
        painted = task.painted(networks["tuned" if predicted else "translator"])
    sharp, truth = networks["sharpener"](task.pictures, painted), task.truth
    l1, mse = (sharp - truth).abs().mean(), (sharp - truth).square().mean()
    gradient = gradient_difference_loss(sharp, truth)
    total = objective.sharp_l1 * l1 + objective.sharp_mse * mse + objective.sharp_gradient * gradient
    return Losses(
        total, {"sharp_mse": mse, "sharp_gradient": gradient, "dull_mse": (painted - truth).square().mean()}, {PICTURES: pictures}
    )
