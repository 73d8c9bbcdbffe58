"""The catalogue of data sets, and how one is opened by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ..core.video import Actions
from .digits.banks import load_digits
from .digits.bounce import LAWS, Law
from .digits.domain import MIRROR, RANDOM, ROBUST
from .digits.moving_digits import SIZE, ClipSource, MovingDigits
from .digits.robust import DigitsRobust
from .domain import ANYTHING, GREY_PEOPLE, PEOPLE, Domain
from .framing import Framing
from .layout import Layout
from .licence import CREDIT, DIGITS, MIT, RENDERED, RESEARCH, UNKNOWN, Licence, strictest
from .push.domain import PUSH
from .push.source import PushWorld
from .readers import arrays, bair, bridge, davis, folder, indexed, kth, lab, named_videos, pose
from .splits import CHOICES

UCF101 = partial(
    named_videos.read, r"v_(?P<what>[a-z]+)_g(?P<group>\d+)_c\d+", "v_Archery_g01_c01.avi", named_videos.ucf101_split
)
GATECH = partial(named_videos.read, r"PS7A\dP(?P<person>\d)T\d", "PS7A1P1T1.avi", named_videos.no_published_split)


@dataclass(frozen=True)
class Simulator:
    """A data set whose clips are made on the fly.

    Args:
        open: (split, data_root, digits, device, digits a clip) -> the source of clips.
        channels: of its frames, which are SIZE x SIZE px.
        licence: of the clips, and of weights trained on them.
        domain: what its clips have in common.
        actions: the meaning and range of each action component, None without actions.
        law: how its digits bounce, None without such digits.
    """

    open: Callable[[str, str | Path | None, str, torch.device | str, int], ClipSource]
    channels: int
    licence: Licence
    domain: Domain | None = None
    actions: Actions | None = None
    law: Law | None = None


def moving_digits_simulator(law: str, domain: Domain) -> Simulator:
    """The simulator of a bounce law, a key of `LAWS`."""

    def source(split: str, data_root: str | Path | None, digits: str, device: torch.device | str, count: int) -> ClipSource:
        return MovingDigits(law, load_digits(digits, split, data_root), n_digits=count, device=device)

    return Simulator(source, channels=1, licence=DIGITS, domain=domain, law=LAWS[law])


def open_digits_robust(
    split: str, data_root: str | Path | None, digits: str, device: torch.device | str, count: int
) -> ClipSource:
    """The source of digits-robust; the digits a clip are drawn, so `count` is ignored."""
    return DigitsRobust(load_digits(digits, split, data_root), device)


def open_push_world(split: str, data_root: str | Path | None, digits: str, device: torch.device | str, count: int) -> ClipSource:
    """The source of push; `digits` and `count` are ignored."""
    return PushWorld(split, data_root, device)


DATASETS: dict[str, Simulator | Layout] = {
    "smmnist-svg": moving_digits_simulator("smmnist-svg", RANDOM),
    "smmnist-srvp": moving_digits_simulator("smmnist-srvp", RANDOM),
    "mmnist": moving_digits_simulator("mmnist", MIRROR),
    "digits-robust": Simulator(open_digits_robust, channels=1, licence=DIGITS, domain=ROBUST),
    "push": Simulator(open_push_world, channels=3, licence=RENDERED, domain=PUSH, actions=PushWorld.actions),
    "mmnist-test": Layout(
        partial(arrays.read, split="test", default_axes={".npy": "TNHW", ".npz": "NTHW"}),
        ("mnist_test_seq.npy", "moving_mnist_test_first1000.npz"),
        "mnist_test_seq.npy, (20, N, 64, 64), or an .npz file with frames (N, 20, 64, 64)",
        Licence(MIT, "Srivastava et al. 2015, from MNIST (LeCun, Cortes and Burges, CC BY-SA 3.0)"),
        channels=1, arrays=True,
    ),
    "kth": Layout(
        kth.read, ("kth", "KTH"), kth.LOOKS_FOR, Licence(RESEARCH, "Schuldt et al. 2004, research use"),
        channels=1, domain=GREY_PEOPLE,
    ),
    "bair": Layout(
        bair.read, ("bair", "softmotion30_44k", "processed_data", "bair_trajectory.npz"), bair.LOOKS_FOR,
        Licence(RESEARCH, "Ebert et al. 2017, none stated"), arrays=True,
    ),
    "bair-lab": Layout(
        lab.read, ("bair_lab", "bair-lab"), lab.LOOKS_FOR, Licence(RESEARCH, "Ebert et al. 2017, none stated")
    ),
    "bridge": Layout(
        bridge.read, ("bridge", "bridge_dataset", "bridge_tfrecord"), bridge.LOOKS_FOR, Licence(CREDIT, "BridgeData, CC BY 4.0")
    ),
    "metaworld": Layout(
        partial(arrays.read, needs_actions=True), ("metaworld",), ".npz files with frames and actions",
        Licence(MIT, "Meta-World, MIT"), arrays=True,
    ),
    "ucf101": Layout(
        UCF101, ("ucf101", "UCF-101", "UCF101", "ucf101_64"), "v_Archery_g01_c01.avi and so on",
        Licence(RESEARCH, "Soomro et al. 2012, from the web, research use"), domain=PEOPLE),
    "gatech": Layout(
        GATECH, ("gatech", "gatech_actions"), "PS7A1P1T1.avi and so on",
        Licence(RESEARCH, "Georgia Tech course clips, none stated"), channels=1, domain=GREY_PEOPLE),
    "davis": Layout(davis.read, ("davis", "DAVIS"), davis.LOOKS_FOR, Licence(RESEARCH, "DAVIS, from the web, research use")),
    "pose": Layout(pose.read, ("pose",), pose.LOOKS_FOR, UNKNOWN),
    "real128": Layout(
        indexed.read, ("real128",), indexed.LOOKS_FOR,
        Licence(RESEARCH, "86 public sources, about half permissive, some non-commercial or without any licence stated"),
        domain=ANYTHING,
    ),
    "folder": Layout(folder.read, (), folder.LOOKS_FOR, UNKNOWN, arrays=True),
}  # fmt: skip
SIMULATORS = tuple(name for name, data in DATASETS.items() if isinstance(data, Simulator))


def open_dataset(
    name: str,
    split: str = "train",
    data_root: str | Path | None = None,
    digits: str = "auto",
    device: torch.device | str = "cpu",
    n_digits: int = 2,
    framing: Framing | None = None,
    licences: Sequence[str] = (),
    axes: str = "",
) -> ClipSource:
    """A source of clips.

    Args:
        name: a key of `DATASETS`.
        split: "train", "val" or "test": other digits or episodes of a simulator, other people or trajectories of recordings;
            of recordings also "dev" and "example" where their layout has them, and "all"; "choices": what to choose by, dev where
            there is such a split and val elsewhere.
        data_root: None: the environment variable VP_DATA. Of a simulator: the folder that holds MNIST/raw, or push/ with pool
            files. Of recordings: their own folder (or one file), or a folder that holds it under its usual name.
        digits: "mnist", "strokes", "mixed" (half of the clips each) or "auto" (MNIST where it is found, else strokes).
        device: where clips are made.
        n_digits: digits a clip, where the data set does not decide it. Where there are no digits,
            `digits` and this are ignored.
        framing: size or short side, channels and rate of recordings.
        licences, axes: of recordings, see `Layout.recordings`.

    Raises:
        ValueError: an unknown name, split or kind of digits, or data asked for and not found.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name!r}; there are {', '.join(DATASETS)}")
    data, framing = DATASETS[name], framing or Framing()
    if isinstance(data, Layout):
        return data.open(name, split, data_root, framing, device, licences, axes)
    if licences:
        raise ValueError(f"{name} is made on the fly, under one licence ({data.licence.data}); leave --licences out")
    if axes:
        raise ValueError(f"{name} is made on the fly, not read from arrays; leave --axes out")
    split = "val" if split == CHOICES else split
    if framing != Framing(size=SIZE, channels=framing.channels if framing.channels == data.channels else None):
        colours = "grey" if data.channels == 1 else "colour"
        raise ValueError(f"{name} is made at {SIZE}x{SIZE} pixels in {colours}; leave its framing as it is")
    return data.open(split, data_root, digits, device, n_digits)


def law_of(name: str) -> Law | None:
    """The bounce law of a data set's digits; None for a data set without such digits."""
    return getattr(DATASETS.get(name), "law", None)


def named_actions(name: str, size: int) -> Actions | None:
    """The names and ranges of a data set's action components; None where they are unknown or are not `size` many."""
    known = getattr(DATASETS.get(name), "actions", None)
    return known if known and len(known.names) == size else None


def licence_of_weights(datasets: Iterable[str]) -> str:
    """The strictest terms of the data sets for weights, one of `licence.STRICTER`; an unknown data set counts as UNSTATED."""
    return strictest([DATASETS[name].licence.weights if name in DATASETS else UNKNOWN.weights for name in datasets])
