"""Evaluation protocols: which clips, how many frames are given, how many are predicted.

Those in PROTOCOLS have a name, a size and clips drawn from a seed, and other lengths as NAME:PAST+FUTURE, such as
digits-robust:10+10. So is any other data set, such as folder:5+10: size and channels then come from the model, and of recordings
fixed windows are scored (see `windows`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from vp.core.video import Batch

from .catalog import DATASETS, SIMULATORS, open_dataset
from .digits.banks import SPLITS, resolve_digits
from .digits.moving_digits import SIZE
from .digits.robust import VARIANTS


@dataclass(frozen=True)
class Protocol:
    """
    Args:
        dataset: a key of DATASETS.
        n_past, n_future: frames given and frames to predict.
        size: px, None: the model's own size.
        seed: of the clips.
        about: a few words for tables.
        chunk: clips drawn together; it is fixed, so that K clips are the first K of any larger number.
        scale: the given frames are shrunk to 1/`scale` of their size and enlarged again by bicubic interpolation.
        variants: names of the kinds of clips that are compared: clip i is of variant i modulo their number, and
            `extras["variant"]` has the index.
    """

    dataset: str
    n_past: int
    n_future: int
    size: int | None = None
    seed: int = 20_260
    about: str = ""
    chunk: int = 100
    scale: int = 1
    variants: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Frames of a clip, given and predicted."""
        return self.n_past + self.n_future


PROTOCOLS = {
    "smmnist-svg": Protocol("smmnist-svg", 5, 10, 64, 20_180, "two digits, SVG's bounces (Denton and Fergus 2018)"),
    "smmnist-srvp": Protocol("smmnist-srvp", 5, 20, 64, 20_200, "two digits, SRVP's bounces (Franceschi et al. 2020)"),
    "mmnist": Protocol("mmnist", 10, 10, 64, 20_150, "two digits, mirror bounces (Srivastava et al. 2015)"),
    "one-frame": Protocol("smmnist-svg", 1, 15, 64, 20_180, "SVG's bounces from a single frame, as RaMViD's on BAIR"),
    "long": Protocol("smmnist-svg", 5, 55, 64, 20_180, "SVG's bounces, sixty frames"),
    "next-frame": Protocol("mmnist", 9, 1, 64, 20_150, "the same clips, the tenth frame from nine"),
    "super-resolution": Protocol("mmnist", 10, 10, 64, 20_150, "the same clips, the context at half its size", scale=2),
    "fusion-16-32": Protocol("mmnist", 16, 32, 64, 20_210, "two digits, mirror bounces; lengths of Jing et al. 2021"),
    "digits-robust": Protocol(
        "digits-robust", 5, 10, 64, 20_250, "moving digits, one thing at a time unlike the published", chunk=96, variants=VARIANTS
    ),
    "gatech": Protocol("gatech", 10, 10, 64, 20_230, "people who act, before a camera that stands still"),
    "kth": Protocol("kth", 10, 10, 64, 20_240, "people who walk, run, box and wave; lengths as SVG is trained on them"),
    "push": Protocol("push", 2, 10, 64, 20_170, "an arm pushes objects; lengths as for BAIR (Ebert et al. 2017)", chunk=5),
}


ANY = re.compile(r"([^:]+):(\d+)\+(\d+)")


def find_protocol(name: str) -> Protocol:
    """The protocol of this name, a key of PROTOCOLS or a data set with two lengths, NAME:PAST+FUTURE.

    Raises:
        ValueError: the name is neither of them, or a length is below 1.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    match = ANY.fullmatch(name)
    if match is None:
        raise ValueError(f"protocol is {name!r}; give one of {', '.join(PROTOCOLS)}, or a data set and lengths as in folder:5+10")
    dataset, past, future = match[1], int(match[2]), int(match[3])
    if dataset not in DATASETS:
        raise ValueError(f"protocol is {name!r}, and there is no data set {dataset!r}; there are {', '.join(DATASETS)}")
    if min(past, future) < 1:
        raise ValueError(f"protocol is {name!r}; give 1 frame or more on both sides of the +")
    if dataset not in SIMULATORS:
        return Protocol(dataset, past, future)
    return replace(PROTOCOLS.get(dataset, Protocol(dataset, past, future, SIZE)), n_past=past, n_future=future)


def protocol_clips(
    name: str, clips: int, data_root: str | Path | None = None, split: str = "test", digits: str = "auto"
) -> Batch:
    """The first `clips` clips of a protocol: drawn on the CPU from a fixed seed, so they are the same on every device.

    Args:
        name: a key of `PROTOCOLS`, or a simulator with lengths, such as push:2+20.
        clips: how many; fewer are always the beginning of more.
        data_root, split, digits: as for `open_dataset`. Claims are made on "test"; choose by looking at "val".

    Returns:
        frames uint8 (clips, n_past + n_future, C, size, size) on the CPU, and the data set's own actions and extras:
        of moving digits extras["hits"] bool (clips, T, digits), of push see `PushWorld.batch`; of recordings
        extras["recording"] int64 (clips,), see `RecordedClips.batch`; where the protocol has variants extras["variant"] int64
        (clips,), the index of each clip's.
    """
    protocol = find_protocol(name)
    if clips < 1:
        raise ValueError(f"clips is {clips}; give 1 or more")
    if protocol.size is None:
        raise ValueError(f"protocol {name} has windows of recordings, not clips that are drawn; open them by `Windows`")
    source = open_dataset(protocol.dataset, split, data_root, digits)
    generator = torch.Generator().manual_seed(1_000_000 * SPLITS.index(split) + protocol.seed)
    draw = partial(source.batch, in_turn=True) if protocol.variants else source.batch
    chunks = [draw(protocol.chunk, protocol.length, generator) for _ in range(-(-clips // protocol.chunk))]
    extras = {key: torch.cat([chunk.extras[key] for chunk in chunks])[:clips] for key in chunks[0].extras}
    actions = None if chunks[0].actions is None else torch.cat([chunk.actions for chunk in chunks])[:clips]
    return Batch(torch.cat([chunk.frames for chunk in chunks])[:clips], actions, extras)


def protocol_digits(data_root: str | Path | None = None, split: str = "test", digits: str = "auto") -> str:
    """The source of a protocol's digits in words for a table: MNIST digits are the published ones, stroke digits are our own."""
    words = {"mnist": "MNIST digits", "strokes": "stroke digits", "mixed": "MNIST and stroke digits"}
    return f"{split} split of {words[resolve_digits(digits, split, data_root)]}"
