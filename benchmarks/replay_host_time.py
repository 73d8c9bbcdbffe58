"""How long is the host busy beside a replayed CUDA graph? Without a GPU: recordings whose replay does nothing.

    python -m benchmarks.replay_host_time svg-lp-smmnist --futures 100
    python -m benchmarks.replay_host_time ramvid-smmnist --futures 1 64

What is left of a prediction is what no graph takes away: checks, drawing noise, filling the recording's inputs, copying futures.
Copies to and from a GPU are copies in memory here, at most as fast as through page-locked memory. Recipes are timed with
untrained weights. Prints one line of JSON for each number of futures: the median, and the least, of the repeats, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vp.bench.sampling import load_model_or_recipe, prediction_call
from vp.core.capture import Recording
from vp.core.cpu_fast import keep_big_buffers
from vp.core.runtime import Runtime
from vp.training.timing import time_calls

FRAMES, BEFORE = 20, 2  # calls before those timed: computed, recorded


def replay_nothing(call: Callable[[], Any], pool: Any = None) -> Recording:
    """A recording of a call, whose replay leaves the result as it is."""
    return Recording(lambda: None, call())


def host_time(name: str, futures: int, frames: int, repeats: int) -> dict[str, Any]:
    """Timings in ms of predicting `frames` frames of so many futures of one clip, without the recorded part."""
    runtime = replace(Runtime.pick("cpu"), recorder=replay_nothing)
    run = prediction_call(load_model_or_recipe(name, runtime), futures, frames, {})
    for _ in range(BEFORE):
        run()
    row = time_calls(run, repeats, runtime.device)
    return {
        "model": name,
        "futures": futures,
        "frames": frames,
        "median_ms": 1e3 * row["median_s"],
        "least_ms": 1e3 * row["min_s"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a checkpoint or a recipe")
    parser.add_argument("--futures", type=int, nargs="+", default=[1])
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    keep_big_buffers()
    for futures in args.futures:
        row = host_time(args.model, futures, args.frames, args.repeats)
        print(json.dumps({key: round(x, 2) if isinstance(x, float) else x for key, x in row.items()}), flush=True)


if __name__ == "__main__":
    main()
