"""How a `PathFilter` learns: from the paths of single things, without a picture, of which it sees far more than others could."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.family import Losses, Phase, Progress
from ..core.video import Batch
from .paths import PathFilter, middles

JITTER = 0.03  # std (px) of where things are found
FADING = 0.7  # of wrong places, at most, from frame to frame


def path_phase(network: str, n_past: int) -> Phase:
    """A turn that trains the path filter within the network of that name, on clips that come with their single things."""
    return Phase("paths", (network,), partial(path_loss, network, n_past), lr=2e-3, betas=(0.9, 0.98), optimizer="adamw")


def path_loss(
    network: str, n_past: int, networks: nn.ModuleDict, batch: Batch, progress: Progress, generator: torch.Generator
) -> Losses:
    """From `n_past` known frames; the paths grow as long as the clips in the first third of the stage. Where exact states come
    with the clips, the law learns from them as well."""
    things = batch.extras["things"]
    paths = next(part for part in networks[network].modules() if isinstance(part, PathFilter))
    places, ink = middles(things.float())
    whole = ink.amin(1) > 0
    places = places.transpose(1, 2)[whole]
    if "states" in batch.extras:
        paths.law.learn(batch.extras["states"].transpose(1, 2)[whole], places)
    places = alike(places, paths.size)
    length = n_past + 1 + int(min(1.0, 3 * progress.stage) * (places.shape[1] - n_past - 1))
    places = places[:, :length]
    error = path_error(paths, places, mistaken(places, paths.size / 4, generator), n_past)
    return Losses(error, {"path": error})


def mistaken(places: Tensor, far: float, generator: torch.Generator) -> Tensor:
    """Where things (N, T, 2) px are found: half of them at first, while they are still taken for one another, off by up to `far`
    px, and then less and less."""
    count, length = places.shape[:2]
    draws = torch.rand(count, 4, generator=generator, device=generator.device).to(places)[:, None]
    wrong, fading, off = (draws[..., :1] - 0.5).clamp_min(0) * 2, FADING * draws[..., 1:2], (2 * draws[..., 2:4] - 1) * far
    noise = torch.randn(places.shape, generator=generator, device=generator.device).to(places)
    return places + wrong * off * fading ** torch.arange(length, device=places.device)[:, None] + JITTER * noise


def alike(places: Tensor, size: int) -> Tensor:
    """Paths (N, T, 2) px within a square frame, and their seven reflections and turns: (8 N, T, 2)."""
    far = size - 1.0
    x, y = places.unbind(-1)
    views = [torch.stack(pair, -1) for pair in ((x, y), (far - x, y), (x, far - y), (far - x, far - y))]
    return torch.cat([*views, *(view.flip(-1) for view in views)])


def path_error(network: PathFilter, places: Tensor, found: Tensor, known: int) -> Tensor:
    """Mean Huber error, from one pixel on, of foreseen places: each from all that was found before it while `known`, later
    from the filter's own. Both are (N, T, 2) px."""
    path, foreseen = network.begin(found[:, 0]), []
    for t in range(1, places.shape[1]):
        path = network.foresee(path)
        foreseen.append(path.place)
        if t < known:
            path = network.see(path, found[:, t])
    return F.smooth_l1_loss(torch.stack(foreseen, 1), places[:, 1:])
