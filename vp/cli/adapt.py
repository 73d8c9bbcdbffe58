"""`python -m vp adapt`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.boundary import attached_to_errors
from .common import add_command, positive_int, positive_minutes, refuse_extra
from .outputs import check_not_foreign, checkpoint_file

EXAMPLES = {
    "adapt": """
  python -m vp adapt svg-lp-real my.mp4 --minutes 2 --out my.safetensors
  python -m vp adapt svg-lp-real my.mp4 --until 3.5 --out my.safetensors      # learns what comes before second 3.5
  python -m vp sample my.safetensors my.mp4 --start 3.5 --out out""",
}


def add_adapt(commands: Any) -> None:
    """Adds the command `adapt`."""
    p = add_command(
        commands,
        "adapt",
        "train a model on one clip of yours for a minute or two; Ctrl-C keeps the best so far",
        run_adapt,
        EXAMPLES["adapt"],
        computes=True,
    )
    p.add_argument("checkpoint", help="a model's name, a .safetensors file or hf://owner/repo; it stays as it is")
    p.add_argument("clip", help="a video file")
    p.add_argument("--minutes", type=positive_minutes, default=2.0, help="time budget (default: 2)")
    p.add_argument(
        "--steps", type=positive_int, help="budget in steps instead of minutes; the same seed then gives the same weights"
    )
    p.add_argument("--until", type=float, metavar="S", help="second from which on nothing is learned (default: the clip's end)")
    p.add_argument("--seed", type=int, default=0)
    words = "the new .safetensors file; an adapted model there is replaced"
    p.add_argument("--out", type=checkpoint_file, required=True, metavar="FILE", help=words)
    p.add_argument("--force", action="store_true", help="write over a file at --out that is no adapted model")


def run_adapt(args: argparse.Namespace, extra: list[str]) -> dict:
    """Adapts a model to one clip and saves it; returns the saved file, what the card says of the adaptation, and the steps
    taken."""
    from ..core.cpu_fast import keep_big_buffers
    from ..data import read_clip
    from ..data.video_file import MAX_FPS
    from ..prediction.model import load
    from ..training.adapt import adapt, save
    from ..training.stopping import stop_signal

    refuse_extra(args.parser, extra)
    if Path(args.checkpoint).exists() and args.out.exists() and args.out.samefile(args.checkpoint):
        raise ValueError(f"--out is {args.out}, the model itself; give another file, since the model stays as it is")
    check_not_foreign(args.out, "adapted", args.force)
    keep_big_buffers()
    model = load(args.checkpoint, args.device, args.precision)
    clip = read_clip(args.clip, max_fps=MAX_FPS)
    until = None if args.until is None else frame_at(args.until, clip.fps, len(clip.frames))
    adaptation = adapt(model, clip, args.minutes, until, args.seed, args.steps)
    with stop_signal() as stop, adapt_bar() as show:
        for record in adaptation:
            show(record)
            if stop.is_set():
                adaptation.close()
    adapted = adaptation.model
    print(adaptation.verdict)
    result = {**adapted.card["adapted"], "taken": adaptation.step}
    with attached_to_errors(result):
        save(adapted, args.out)
    return {"file": str(args.out), **result}


def frame_at(second: float, fps: float, frames: int) -> int:
    """The index of the first frame at or after a second of a clip.

    Args:
        frames: length of the clip.

    Raises:
        ValueError: the second is not within the clip.
    """
    frame = math.ceil(second * fps - 1e-3)  # time stamps are whole milliseconds in many files
    if not 0 < frame <= frames:
        raise ValueError(f"--until is second {second:g}; give one within the clip, above 0 and up to {frames / fps:.2f}")
    return frame


@contextmanager
def adapt_bar() -> Iterator[Callable[[Any], None]]:
    """A progress bar with the time left and the PSNR gain on held-out frames; yields the callback that takes an `Adapting`
    record."""
    from tqdm import tqdm

    layout = "{desc}: {percentage:3.0f}%|{bar}| {postfix}"
    with tqdm(total=1.0, desc="adapt", mininterval=0.5, bar_format=layout) as line:

        def show(record: Any) -> None:
            left = "" if record.seconds_left is None else f"{record.seconds_left:.0f} s left, "
            gain = f"best {record.best_db:.2f} dB ({record.best_db - record.before_db:+.2f})"
            line.set_postfix_str(f"{left}step {record.step}, {gain}", refresh=False)
            line.update(record.share - line.n)

        yield show
