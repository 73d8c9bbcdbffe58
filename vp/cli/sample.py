"""`python -m vp sample`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..core.boundary import attached_to_errors
from .common import KNOWN, OWN_OPTIONS, add_command, parse_model_options, positive_int
from .outputs import output_folder

if TYPE_CHECKING:
    from ..data import Clip
    from ..prediction.model import Model
    from ..prediction.request import Wishes
    from ..result.result import Result

OWN_RATE = "own"
BAR = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
OUT_HELP = (
    "folder for the files (default: out); an earlier result there, known by its metrics.json, is replaced as a whole, and other"
    " files of the same names are refused"
)
EXAMPLES = {
    "sample": """
  python -m vp sample svg-lp-smmnist assets/clips/digits-1.mp4 --n 4 --prior learned --temperature 1 --seed 0 --out out
  python -m vp sample svg-lp-real my.mp4 --start 3.2 --region 200,0,640,480 --stride 2 --out out
  python -m vp sample svg-lp-real my.mp4 --start end --pace 0.5 --out out
  python -m vp sample flow my.mp4 --n-past 5 --n-future 10 --out out"""
    + OWN_OPTIONS,
}


def add_sample(commands: Any) -> None:
    """Adds the command `sample`."""
    p = add_command(
        commands,
        "sample",
        "predict futures of one clip and write them as mp4, GIF, HTML, JSON and npz",
        run_sample,
        EXAMPLES["sample"],
        computes=True,
    )
    p.add_argument("checkpoint", help="a model's name, a .safetensors file or hf://owner/repo")
    p.add_argument("clip", help="a video file")
    p.add_argument("--n", type=positive_int, default=4, help="number of futures (default: 4)")
    p.add_argument("--n-past", type=positive_int, help="known frames (default: the model's)")
    p.add_argument("--known", metavar="FRAMES", help=f"{KNOWN}, out of --n-past plus --n-future")
    p.add_argument("--slow", type=positive_int, default=1, help="slow motion: 2 predicts a frame between every two")
    p.add_argument("--n-future", type=positive_int, help="frames to predict (default: the model's)")
    p.add_argument(
        "--start", default=0.0, type=parse_start, metavar="S", help="second to begin at, or 'end': predict what comes after it"
    )
    p.add_argument("--region", metavar="X,Y,W,H", help="part of the picture, px of the video's own (default: all a model takes)")
    p.add_argument(
        "--fps", type=parse_rate, metavar="F|own", help="thin out to this rate, or 'own' for any (default: 30 at most)"
    )
    p.add_argument("--stride", type=positive_int, default=1, metavar="K", help="take one frame of K")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--long-side", type=positive_int, default=512, help="px at most, where the model takes any size (default: 512)"
    )
    p.add_argument("--actions", metavar="FILE", help="the clip's own actions, a row a frame, or 'still'")
    p.add_argument("--beside", metavar="FILE", help="one more row under these actions or 'still', with the first future's seed")
    p.add_argument("--out", type=output_folder, default="out", help=OUT_HELP)
    p.add_argument("--force", action="store_true", help="write over files in --out that vp did not write")


def run_sample(args: argparse.Namespace, extra: list[str]) -> dict:
    """Predicts futures of a clip, writes all files and returns the summary of `write_all`."""
    from ..data import read_clip
    from ..data.region import Region
    from ..data.video_file import END, MAX_FPS, MAX_SIDE, read_video_size
    from ..prediction.actions import OWN
    from ..prediction.model import load
    from ..prediction.request import Wishes
    from ..result.export import check_folder, summarise, write_all

    check_folder(args.out, args.force)
    model = load(args.checkpoint, args.device, args.precision)
    options = parse_model_options(args.parser, model.predictor.options_type, extra)
    region = Region.of_pixels(args.region, *read_video_size(args.clip)) if args.region else None
    rates = {"max_fps": MAX_FPS} if args.fps is None else {"fps": None if args.fps == OWN_RATE else args.fps}
    cut = {"start": args.start, "region": region, "every": args.stride}
    clip = read_clip(args.clip, max_side=max(args.long_side, MAX_SIDE), **rates, **cut)
    actions = {"actions": parse_actions(args.actions), "compare_with": parse_actions(args.beside)}
    thinned = args.start or args.stride > 1 or args.fps
    if thinned and not isinstance(actions["actions"], (str, type(None))):
        came = "--start, --stride or --fps came with a table of actions, which has a row for every frame of the video"
        raise ValueError(f"{came}; cut both, or leave one out")
    if args.actions and not isinstance(actions["actions"], str):  # a table is the clip's own
        clip, actions["actions"] = replace(clip, actions=actions["actions"]), OWN
    wishes = {name: getattr(args, name) for name in ("n", "n_past", "n_future", "seed", "known", "slow", "long_side")}
    wishes["start"] = END if args.start == END else 0
    result = predict_with_bar(model, clip, Wishes(options=options, **wishes, **actions))
    with attached_to_errors(summarise(result)):
        written = write_all(result, args.out, args.force)
    with attached_to_errors(written):
        if written["failed"]:
            raise ValueError("; ".join(written["failed"]))
    return written


def predict_with_bar(model: Model, clip: Clip, wishes: Wishes) -> Result:
    """The finished Result of `vp.sample`, with a progress bar where that takes longer than a second."""
    from tqdm import tqdm

    from ..prediction.sample import stream

    with tqdm(total=1.0, desc=model.name, delay=1, leave=False, bar_format=BAR) as bar:
        for progress in stream(model, clip, wishes, preview_s=None):
            bar.update(progress.share - bar.n)
    assert progress.result is not None, "the last step of a stream has the result"
    return progress.result


def parse_start(text: str) -> float | str:
    """The value of --start: seconds, or 'end'."""
    from ..data.video_file import END

    return text if text == END else float(text)


def parse_rate(text: str) -> float | str:
    """The value of --fps: frames per second, or OWN_RATE."""
    return text if text == OWN_RATE else float(text)


def parse_actions(text: str | None) -> Any:
    """The value of --actions or --beside: 'still', None, or float32 (T, A) read from the file."""
    from ..prediction.actions import STILL, read_actions

    return text if text in (None, STILL) else read_actions(text)
