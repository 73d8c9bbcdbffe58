"""Windows of whole frames that all lie in a device's memory: cut out by one gather, enlarged and tinted there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ..core.host_memory import to_device
from ..core.video import Batch
from .crops import CroppedClips
from .cutting import finish_windows, gather_windows, pack_cuts
from .drawn import Drawn
from .resident_clips import NotResident


class ResidentCrops:
    """The counterpart of `CroppedClips` on a device: the same clips from the same generators, up to rounding.

    Args:
        source: its recordings are decoded first where they are not in its cache.
        device: where all pixels go, once.
        most: bytes that they may take.
        progress: called with (recordings done, recordings in all).

    Raises:
        NotResident: they take more.
    """

    reads = True  # the motion in a window decides whether it is kept

    def __init__(self, source: CroppedClips, device: torch.device, most: int, progress: Callable[[int, int], None]):
        self.source, self.device = source, device
        found = {index: frames for index in range(len(source.recordings)) if (frames := source.frames(index)) is not None}
        room = sum(frames.nbytes for frames in found.values())
        if room > most:
            raise NotResident(f"they take {room / 1e9:.1f} GB there and may take {most / 1e9:.1f}")
        self.pixels = torch.empty(room // source.channels, source.channels, dtype=torch.uint8, device=device)
        self.first: dict[int, int] = {}  # place of each recording's first pixel
        taken = 0
        for done, (index, frames) in enumerate(found.items(), 1):
            flat = torch.from_numpy(frames.reshape(-1, source.channels).copy())  # the file's own memory is read only
            self.pixels[taken : taken + len(flat)].copy_(to_device(flat, device))
            self.first[index], taken = taken, taken + len(flat)
            progress(done, len(found))

    def draw(self, clips: int, length: int, generators: Sequence[torch.Generator]) -> Drawn:
        """The windows, as numbers; see `Feed`."""
        (generator,) = generators
        cuts = self.source.draw_cuts(clips, length, generator)
        sizes = [self.source.frames(cut.index).shape[1:3] for cut in cuts]
        firsts = [self.first[cut.index] for cut in cuts]
        return pack_cuts(cuts, length, self.source.size, sizes, firsts, self.source.channels)

    def build(self, drawn: Drawn) -> Batch:
        """The clips; see `CroppedClips.batch`."""
        return Batch(finish_windows(gather_windows(self.pixels, drawn), drawn))
