"""Sprites that follow learned paths: for things that are rigid and go where their own past says."""

from __future__ import annotations

import torch
from torch import Tensor

from .looking_back import looked_for, seen
from .moving_layers import Layers
from .paths import INK, PathFilter, middles
from .sprites import Sprites

SELDOM = -6.0  # how readily a path is left for the network's own vote, at first


class PathSprites(Sprites):
    """`Sprites` whose velocities come from a `PathFilter` that sees where each sprite is found; the network may still overrule
    it. The filter learns from its own lesson alone (`path_lesson`), no gradient of pictures reaches it."""

    committed = False

    def __init__(self, width: int, notes: int, count: int, channels: int, size: int):
        super().__init__(width, notes, count, channels, size)
        self.paths = PathFilter(size, self.committed)
        torch.nn.init.constant_(self.motion[-1].bias[3:4], SELDOM)

    def store(self, layers: Layers, frame: Tensor, notes: Tensor) -> Layers:
        layers = super().store(layers, frame, notes)
        with torch.no_grad(), torch.autocast(frame.device.type, enabled=False):
            if layers.path is None:
                found, _ = middles(layers.pictures.float().mean(2))
                return layers._replace(path=self.paths.begin(found), at=found)
            found = lies(layers.pictures, layers.path.place)
            return layers._replace(path=self.paths.see(layers.path, found), at=found)

    @torch.no_grad()
    def settle(self, layers: Layers, frames: Tensor) -> Layers:
        """After the last known frame: sprites are looked for once more where they were, now that it is known what they hold; and
        from where they were it is known better what they hold."""
        with torch.autocast(frames.device.type, enabled=False):
            stored, frames = layers.pictures.float(), frames.float()
            away = looked_for(stored.mean(2), frames.mean(2))
            pictures = seen(stored, frames, away)
            place = lies(pictures, layers.at)
            path = self.paths.settle(layers.path, place[:, :, None] + away)
            return layers._replace(pictures=pictures, moved=pictures, path=path, at=place)

    def move(self, layers: Layers, frame: Tensor, plan: Tensor, gap: float = 1.0) -> tuple[Layers, Tensor]:
        with torch.no_grad(), torch.autocast(frame.device.type, enabled=False):
            path = self.paths.foresee(layers.path)
        layers = layers._replace(velocity=layers.at - path.place)  # backward flow
        velocity, new, field = self.propose(layers, plan)
        place = layers.at - velocity
        path = path._replace(place=place, speed=torch.lerp(path.speed, place - layers.path.place, new))
        layers, recent = self.carry(layers, frame, plan, velocity, field, gap)
        self.tell("place", place)
        return layers._replace(path=path, at=place), recent


class CommittedSprites(PathSprites):
    """Each drawn where it most likely is: what is painted from them stays sharp, where the average of several places is between
    them, and costs more where it is wrong."""

    committed = True


class PathCutouts(PathSprites):
    """Laid over each other, and nothing else is shown."""

    blended = False


class CommittedCutouts(CommittedSprites):
    """Laid over each other, and nothing else is shown."""

    blended = False


def lies(pictures: Tensor, expected: Tensor) -> Tensor:
    """The middles of pictures (B, K, C, H, W), (B, K, 2) px; where there is too little ink to tell, what was expected."""
    place, ink = middles(pictures.float().mean(2))
    return torch.where(ink[..., None] > INK, place, expected)
