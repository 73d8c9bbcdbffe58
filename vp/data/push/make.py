"""Makes pool files of the push world (for machines without pymunk, or to save time later), and contact sheets.

    python -m vp.data.push.make --out data/push
    python -m vp.data.push.make --out data/push --split train --episodes 8000
    python -m vp.data.push.make --sheet push.png

Give the folder that holds `push` to the other commands by --data-root or VP_DATA.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from .pool import Pool
from .source import EPISODES, SPLITS, PushWorld


class Ticker:
    """A progress line on the terminal with the time left; called with (episodes done, episodes in all)."""

    def __init__(self, name: str):
        self.name, self.began, self.first = name, time.monotonic(), None

    def __call__(self, done: int, total: int) -> None:
        self.first = done - 1 if self.first is None else self.first
        left = (time.monotonic() - self.began) / (done - self.first) * (total - done)
        end = "\n" if done == total else ""
        print(f"\r{self.name}: {done} of {total} episodes, {left:.0f} s left ", end=end, file=sys.stderr, flush=True)


def draw_contact_sheet(split: str, clips: int = 8, length: int = 12, zoom: int = 4, seed: int = 0) -> np.ndarray:
    """uint8 (H, W, 3): one row of frames for each clip, enlarged `zoom` times."""
    frames = PushWorld(split).batch(clips, length, torch.Generator().manual_seed(seed)).frames
    sheet = frames.permute(0, 3, 1, 4, 2).reshape(clips * 64, length * 64, 3).numpy()
    return sheet.repeat(zoom, 0).repeat(zoom, 1)


def main(argv: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m vp.data.push.make", description="Pool files and contact sheets.")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write pool files here")
    parser.add_argument("--split", choices=SPLITS, help="only this one (default: all)")
    parser.add_argument("--episodes", type=int, help="how many (default: what training and evaluation draw from)")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="write a contact sheet of 8 clips of 12 frames")
    parser.add_argument("--seed", type=int, default=0, help="of the contact sheet's clips")
    args = parser.parse_args(argv)
    if args.out:
        for split in [args.split] if args.split else SPLITS:
            pool = Pool(args.out, split)
            pool.fill(args.episodes or EPISODES[split], PushWorld(split).seed, Ticker(split))
            print(f"{pool.path}: {len(pool)} episodes, {pool.path.stat().st_size / 1e6:.1f} MB")
    if args.sheet:
        import cv2

        cv2.imwrite(str(args.sheet), draw_contact_sheet(args.split or "train", seed=args.seed)[..., ::-1])


if __name__ == "__main__":
    main()
