"""`python -m vp bench`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .common import add_command, positive_int, refuse_extra
from .outputs import figure_file

EXAMPLES = {
    "bench": """
  python -m vp bench train --batch 16
  python -m vp bench train --family vpn --batch 1
  python -m vp bench sample svg-lp-smmnist ramvid-smmnist --n 8 --frames 20
  python -m vp bench sample svg-lp-published --n 100 --frames 20      # a recipe: untrained weights
  python -m vp bench growth svg-lp-smmnist ramvid-smmnist --figure out/growth.png
  python -m vp bench start""",
}


def add_bench(commands: Any) -> None:
    """Adds the command `bench`."""
    p = add_command(
        commands,
        "bench",
        "time training, sampling, metrics or the app on this machine",
        run_bench,
        EXAMPLES["bench"],
        computes=True,
    )
    p.add_argument("what", choices=("train", "sample", "metrics", "app", "start", "growth"), nargs="?", default="train")
    p.add_argument("models", nargs="*", metavar="MODEL", help="models or recipes (default: svg-lp-smmnist)")
    p.add_argument("--family", default="svg", help="for train: whose training steps (default: svg)")
    p.add_argument("--figure", type=figure_file, metavar="FILE", help="of growth (default: out/growth.png)")
    p.add_argument("--batch", type=positive_int, default=8, help="clips a training step (default: 8, as our recipes take)")
    p.add_argument("--n", type=positive_int, default=8, help="futures to sample (default: 8)")
    p.add_argument("--frames", type=positive_int, default=20, help="frames to predict (default: 20)")
    p.add_argument("--repeats", type=positive_int, default=5)
    p.add_argument("--rounds", type=positive_int, default=1, help="of sample: through all rows in turn (default: 1)")


def run_bench(args: argparse.Namespace, extra: list[str]) -> dict:
    """Runs the benchmark that `args.what` names and returns its timings."""
    from .. import bench

    refuse_extra(args.parser, extra)
    where, models = (args.device, args.precision), args.models or ["svg-lp-smmnist"]
    if args.what == "train":
        return bench.training(args.family, args.batch, args.repeats, *where)
    if args.what == "sample":
        return bench.sampling(models, args.n, args.frames, args.repeats, *where, rounds=args.rounds)
    if args.what == "growth":
        return bench.growth(models, args.repeats, args.figure or Path("out/growth.png"), *where)
    if args.what == "metrics":
        return bench.metrics(args.n, args.frames, args.repeats, args.device)
    return bench.start(args.repeats) if args.what == "start" else bench.app(models[0], args.n, args.frames, args.repeats)
