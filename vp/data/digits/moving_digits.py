"""Moving digits: clips of the three laws of `bounce`, made for a whole batch at once on any device."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Protocol as Interface

import torch
import torch.nn.functional as F
from torch import Tensor

from vp.core.video import Batch

from ..drawn import Drawn
from .banks import DigitBank
from .bounce import LAWS
from .draws import Generators, draw_uniform

SIZE = 64
INK = 76  # grey levels above which a digit is there: 0.3 of white


class ClipSource(Interface):
    """An endless source of clips."""

    name: str
    channels: int
    size: int | None  # px of square frames; None where clips differ in size
    fps: float

    def batch(self, clips: int, length: int, generator: torch.Generator) -> Batch:
        """`clips` clips of `length` frames: uint8 (B, T, C, H, W) on the source's device.

        A source may also have `prepare(progress)`, which training calls once before the first batch.
        """


class MovingDigits:
    """Digits on a 64x64 black canvas, moving by a law of `bounce.LAWS`.

    Args:
        name: "smmnist-svg", "smmnist-srvp" or "mmnist".
        banks: digits; each clip takes its digits from one bank, all banks with equal probability.
        n_digits: digits a clip, drawn with replacement.
        device: where clips are made; a CPU generator works with every device and gives the same clips on each.

    Raises:
        ValueError: an unknown name, or n_digits below 1.
    """

    channels, size, fps, reads = 1, SIZE, 10.0, False

    def __init__(self, name: str, banks: Sequence[DigitBank], n_digits: int = 2, device: torch.device | str = "cpu"):
        if name not in LAWS:
            raise ValueError(f"the law is {name!r}; give one of {', '.join(LAWS)}")
        if n_digits < 1:
            raise ValueError(f"n_digits is {n_digits}; give 1 or more")
        self.name, self.law, self.n_digits, self.device = name, LAWS[name], n_digits, torch.device(device)
        self.digits = "+".join(bank.source for bank in banks)
        self.contents = {f"{bank.source} digits": len(bank) for bank in banks}
        self.counts = torch.tensor([len(bank) for bank in banks])
        self.images = torch.cat([resize_digits(bank.images, self.law.digit) for bank in banks]).to(self.device)

    def batch(self, clips: int, length: int, generator: torch.Generator, shared_trajectory: bool = False) -> Batch:
        """`clips` clips of `length` frames.

        Args:
            generator: decides everything; on the CPU or on the source's device.
            shared_trajectory: all clips move alike and differ in their digits only.

        Returns:
            frames uint8 (B, T, 1, 64, 64); extras["masks"] uint8 (B, T, 1, 64, 64), k where digit k of 1, 2, ... is inked, the
            later one where two are, 0 elsewhere; extras["hits"] bool (B, T, digits): the frame at which a digit is drawn at the
            wall it hit (SRVP: the frame that ends the step of the contact). What follows a hit cannot be foreseen: for
            "smmnist-svg" the first random frame is the one after it, for "smmnist-srvp" the frame of the hit itself
            (`law.uncertain_after_hit` frames after the hit).
        """
        return self.build(self.draw(clips, length, generator, shared_trajectory).to(self.device))

    def draw(self, clips: int, length: int, generators: Generators, shared_trajectory: bool = False) -> Drawn:
        """The digits and tracks of `clips` clips of each generator; see `Feed`."""
        trajectories = 1 if shared_trajectory else clips
        tracks = self.law.draw(trajectories * self.n_digits, length, generators)
        chosen = self.choose_digits(clips, generators)
        position, hits = (x.unflatten(1, (-1, self.n_digits)) for x in (tracks.position, tracks.hits))
        if shared_trajectory:
            position, hits = position.expand(-1, clips, -1, -1), hits.expand(-1, clips, -1)
        return Drawn({"position": position, "hits": hits.transpose(0, 1).contiguous(), "chosen": chosen})

    def build(self, drawn: Drawn) -> Batch:
        """The clips drawn, as of `batch`."""
        frames, masks = draw_clips(self.images[drawn.tensors["chosen"]], drawn.tensors["position"], self.law.overlap)
        return Batch(frames, extras={"hits": drawn.tensors["hits"], "masks": masks})

    def placed(self, device: torch.device) -> MovingDigits:
        """The same source on another device."""
        other = copy.copy(self)
        other.device, other.images = device, self.images.to(device)
        return other

    def choose_digits(self, clips: int, generators: Generators) -> Tensor:
        """int64 (clips, n_digits), random indices into `images`."""
        return choose_digits(self.counts, clips, self.n_digits, generators)


def choose_digits(counts: Tensor, clips: int, n_digits: int, generators: Generators) -> Tensor:
    """int64 (clips, n_digits): random indices into the concatenated banks of `counts` digits; one random bank per clip."""
    draws = draw_uniform((clips, 1 + n_digits), generators)
    counts = counts.to(draws.device)
    bank = (draws[:, :1] * len(counts)).long()
    first = counts.cumsum(0) - counts
    return first[bank] + (draws[:, 1:] * counts[bank]).long()


def draw_clips(digits: Tensor, position: Tensor, overlap: str) -> tuple[Tensor, Tensor]:
    """Pastes digits on black canvases.

    Args:
        digits: uint8 (B, D, S, S).
        position: int64 (T, B, D, 2), (y, x) of the top-left corner, 0..64-S.
        overlap: "sum" clipped at 255, or "max".

    Returns:
        frames and masks (see `number_layers`), both uint8 (B, T, 1, 64, 64).
    """
    clips, _, side, _ = digits.shape
    frames, masks = (digits.new_zeros(clips, len(position), 1, SIZE, SIZE) for _ in range(2))
    for t, layers in enumerate(place_digits(digits, position, SIZE - side)):
        frames[:, t, 0] = merge_layers(layers, overlap)
        masks[:, t, 0] = number_layers(layers)
    return frames, masks


def place_digits(digits: Tensor, position: Tensor, farthest: int) -> Iterator[Tensor]:
    """Yields the digits of every frame in turn, each alone on a black canvas: uint8 (B, D, 64, 64).

    Args:
        digits: uint8 (B, D, S, S); smaller digits are in the upper left corner, the rest is black.
        position: int64 (T, B, D, 2), (y, x) of the upper left corner, 0..farthest; ink ends within the canvas.
    """
    clips, count, side, _ = digits.shape
    reach = farthest * (SIZE + 1)  # flat offset of the farthest corner
    flat = F.pad(digits, (0, SIZE - side)).flatten(2)
    padded = F.pad(flat, (reach, SIZE * (SIZE - side)))
    # every placement of a digit is a window of 4096 px in its padded row, so pasting is one gather
    windows = padded.flatten(0, 1).unfold(1, SIZE * SIZE, 1)
    rows = torch.arange(clips * count, device=digits.device)
    for corner in position:
        offset = reach - (corner[..., 0] * SIZE + corner[..., 1]).flatten()
        yield windows[rows, offset].view(clips, count, SIZE, SIZE)


def number_layers(layers: Tensor) -> Tensor:
    """uint8 (B, D, H, W) -> (B, H, W): the index, from 1, of the last digit with ink at each pixel, 0 for none."""
    numbers = torch.arange(1, layers.shape[1] + 1, device=layers.device, dtype=torch.uint8)
    return ((layers > INK) * numbers[:, None, None]).amax(1)


def merge_layers(layers: Tensor, overlap: str) -> Tensor:
    """uint8 (B, D, H, W) -> (B, H, W), `overlap` as for `draw_clips`."""
    if overlap == "max":
        return layers.amax(1)
    total = layers[:, 0]
    for layer in layers.unbind(1)[1:]:
        total = total + torch.minimum(layer, 255 - total)  # a sum that saturates instead of wrapping
    return total


def resize_digits(images: Tensor, side: int) -> Tensor:
    """uint8 (N, 28, 28) -> (N, side, side), bilinear."""
    if images.shape[-1] == side:
        return images
    size = (side, side)
    parts = [F.interpolate(part[:, None].float(), size, mode="bilinear") for part in images.split(5_000)]
    return torch.cat([part[:, 0].round().to(torch.uint8) for part in parts])
