"""A layout of files: where a data set is looked for, how its files are read, and how its clips are opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..core.crops import Crops
from .crops import CroppedClips
from .domain import Domain
from .framing import Framing
from .licence import Licence
from .recorded import RecordedClips
from .recording import Found, Recording, Watch, without_progress_bar
from .splits import ALL, CHOICES, SPLITS, assign_splits


@dataclass(frozen=True)
class Layout:
    """
    Args:
        read: (folder, watch) -> what was found there; with `arrays` it also takes axes=, the axes of array files.
        places: usual file or folder names of this data set, tried in turn; where none exists, the given folder itself is read.
        looks_for: the expected files, in words for messages.
        licence: of the data, and of weights trained on them.
        channels: of its clips, unless the framing says otherwise.
        domain: what its clips have in common, where that can be said.
        arrays: whether it may hold array files, whose axes can be given.
    """

    read: Callable[..., Found]
    places: tuple[str, ...]
    looks_for: str
    licence: Licence
    channels: int = 3
    domain: Domain | None = None
    arrays: bool = False

    def root(self, name: str, data_root: str | Path | None = None) -> Path:
        """The data set's folder or file below `data_root` or VP_DATA; raises ValueError where that is missing."""
        given = data_root or os.environ.get("VP_DATA")
        if not given:
            raise ValueError(f"{name} lies in files: give its folder by --data-root or VP_DATA ({self.looks_for})")
        root = Path(given).expanduser().absolute()
        if not root.exists():
            raise ValueError(f"there is no folder {given}; give the one of {name} by --data-root or VP_DATA")
        return next((root / place for place in self.places if (root / place).exists()), root)

    def scan(self, name: str, data_root: str | Path | None = None, watch: Watch = without_progress_bar, axes: str = "") -> Found:
        """The recordings found in the files, none of them decoded.

        A recording that lacks the actions of most recordings of its split is left out: all of them would have to do without.

        Raises:
            ValueError: no recording was found, or `axes` are given to a data set without arrays.
        """
        if axes and not self.arrays:
            raise ValueError(f"{name} has no arrays; leave --axes out")
        root = self.root(name, data_root)
        found = self.read(root, watch, axes=axes) if axes else self.read(root, watch)
        for split in (None, *SPLITS):  # as the files say: what is divided by a hash has one kind of actions
            found.leave_out_odd_actions([r for r in found.recordings if r.split == split])
        if not found.recordings:
            first = "; ".join(f"{file}: {reason}" for file, reason in found.left_out[:1])
            why = f"{len(found.left_out)} files left out, first {first}" if first else "no such files"
            raise ValueError(f"no recordings of {name} in {root} ({why}); it looks for {self.looks_for}")
        return found

    def open(
        self,
        name: str,
        split: str,
        data_root: str | Path | None,
        framing: Framing,
        device: torch.device | str = "cpu",
        licences: Sequence[str] = (),
        axes: str = "",
    ) -> RecordedClips:
        """A source of clips of a split, or of "all"; errors as for `recordings`."""
        chosen = self.recordings(name, split, data_root, licences, axes)
        return RecordedClips(name, chosen, framing, framing.channels or self.channels, device)

    def open_crops(
        self,
        name: str,
        split: str,
        data_root: str | Path | None,
        crops: Crops,
        channels: int,
        device: torch.device | str = "cpu",
        licences: Sequence[str] = (),
        axes: str = "",
    ) -> CroppedClips:
        """A source of windows cut from the whole frames of a split; errors as for `recordings`."""
        chosen = self.recordings(name, split, data_root, licences, axes)
        return CroppedClips(name, chosen, self.root(name, data_root), crops, channels, device)

    def recordings(
        self, name: str, split: str, data_root: str | Path | None, licences: Sequence[str] = (), axes: str = ""
    ) -> list[Recording]:
        """The recordings of a split, of "all", or of "choices": dev where there is such a split, else val.

        Args:
            licences: only recordings whose stated licence begins with one of these words, ignoring case; none: all.
            axes: of array files, such as "NTHWC"; "": inferred from the files.

        Raises:
            ValueError: an unknown split, no folder, nothing to read in it, or no recordings of that split and licence.
        """
        if split not in (*SPLITS, ALL, CHOICES):
            raise ValueError(f"split is {split!r}; give one of {', '.join((*SPLITS, ALL))}")
        recordings = self.scan(name, data_root, axes=axes).recordings
        splits = assign_splits(recordings)
        if split == CHOICES:
            split = "dev" if "dev" in splits.values() else "val"
        chosen = [recording for recording in recordings if split in (ALL, splits[recording.group])]
        if chosen and licences:
            wanted, stated = tuple(word.lower() for word in licences), sorted({recording.licence for recording in chosen})
            chosen = [recording for recording in chosen if recording.licence.lower().startswith(wanted)]
            if not chosen:
                there = "; ".join(text or "none stated" for text in stated)
                raise ValueError(f"{name} has no recordings for {split} under {', '.join(licences)}; there are: {there[:300]}")
        if not chosen:
            counts = {other: sum(splits[r.group] == other for r in recordings) for other in SPLITS}
            there = ", ".join(f"{other} has {count}" for other, count in counts.items() if count)
            raise ValueError(f"{name} has no recordings for {split} here ({there}); add some or open another split, or all")
        return chosen
