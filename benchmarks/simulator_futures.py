"""What the simulator's own futures are worth: the ceiling for any model of digits with random bounces.

    python -m benchmarks.simulator_futures --protocol smmnist-svg --clips 100 --samples 20 100

A protocol's clips are drawn again, up to the last known frame, and go on from their true state with bounces drawn anew: what a
perfect model would sample. Its sample_spread is what a model's own is to be compared with, its best of N samples is the best that
can be expected, and its spread_skill is 1 but for chance.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp.data import PROTOCOLS, open_dataset, protocol_clips, protocol_digits
from vp.data.digits.banks import SPLITS
from vp.data.digits.bounce import MAX_SPEED, SRVP_CONTACTS, draw_integers, srvp_walk, svg_walk
from vp.data.digits.moving_digits import MovingDigits, draw_clips
from vp.evaluation.scores import Scores, summarise_row
from vp.evaluation.scoring import compute_scores, join_scores
from vp.result.tables import SCORES, TOGETHER, align_columns, format_best_and_mean, format_number

WALKS = {"smmnist-svg": svg_walk, "smmnist-srvp": srvp_walk}
TRACKS = {"smmnist-svg": 1, "smmnist-srvp": 2}  # the axis of tracks in kicks
PLACES = {name: plan for name, plan in PROTOCOLS.items() if plan.dataset in WALKS}


def drawn(dataset: str, tracks: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """What `vp.data.digits.bounce` draws for such tracks, in its order: start, velocity, and kicks (length, ...)."""
    srvp = dataset == "smmnist-srvp"
    start = draw_integers(0, 36 if srvp else 31, (tracks, 2), generator)
    velocity = draw_integers(-MAX_SPEED, MAX_SPEED, (tracks, 2), generator)
    if srvp:
        kicks = draw_integers(-MAX_SPEED, MAX_SPEED, (length, SRVP_CONTACTS, tracks, 2), generator)
        return start.double(), velocity.double(), kicks.double()
    away = draw_integers(1, MAX_SPEED, (length, tracks, 2), generator)
    other = draw_integers(-MAX_SPEED, MAX_SPEED, (length, tracks, 2), generator)
    return start, velocity, torch.stack([away, other], -1)


def futures(
    protocol: str, clips: int, samples: int, split: str = "test", data_root: str | None = None, seed: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Clip after clip of a protocol: its true frames uint8 (T, 1, H, W), and the simulator's futures (samples, T, 1, H, W).

    Raises:
        ValueError: no known frame, or no random bounces in this protocol.
        RuntimeError: clips are no longer drawn as this file thinks, so that the futures would be of other clips.
    """
    if protocol not in PLACES:
        raise ValueError(f"protocol is {protocol!r}; give one with random bounces: {', '.join(PLACES)}")
    plan, source = PROTOCOLS[protocol], open_dataset(PROTOCOLS[protocol].dataset, split, data_root)
    true = protocol_clips(protocol, clips, data_root, split).frames
    generator = torch.Generator().manual_seed(1_000_000 * SPLITS.index(split) + plan.seed)
    fresh = torch.Generator().manual_seed(seed)
    for first in range(0, clips, plan.chunk):
        state = drawn(plan.dataset, plan.chunk * source.n_digits, plan.length, generator)
        digits = source.images[source.choose_digits(plan.chunk, generator)]
        for clip in range(min(plan.chunk, clips - first)):
            made = continued(source, state, digits[clip], clip, plan.n_past, samples, fresh)
            if not torch.equal(made[0], true[first + clip]) or (made[1:, : plan.n_past] != made[0, : plan.n_past]).any():
                raise RuntimeError(f"the clips of {protocol} are drawn in another way than here; bring `drawn` up to date")
            yield made[0], made[1:]


def continued(
    source: MovingDigits, state: Sequence[Tensor], digits: Tensor, clip: int, n_past: int, samples: int, fresh: torch.Generator
) -> Tensor:
    """The clip itself, and the same with other bounces after its known frames: uint8 (1 + samples, T, 1, H, W)."""
    law, count, along = source.law, source.n_digits, TRACKS[source.name]
    own = torch.arange(clip * count, (clip + 1) * count)
    start, velocity, kicks = state
    kicks = kicks.index_select(along, own)
    _, _, others = drawn(source.name, samples * count, len(kicks), fresh)
    settled = n_past - law.uncertain_after_hit  # a hit at the last known frame of SVG's law shows only in the next
    others[:settled] = torch.cat([kicks] * samples, along)[:settled]
    runs = 1 + samples
    begun = (x[own].repeat(runs, 1) for x in (start, velocity))
    position = WALKS[source.name](*begun, torch.cat([kicks, others], along)).position
    frames, _ = draw_clips(digits.expand(runs, -1, -1, -1), position.unflatten(1, (runs, count)), law.overlap)
    return frames


def measure(
    protocol: str, clips: int, samples: Sequence[int], split: str = "test", data_root: str | None = None, seed: int = 0
) -> dict[str, Any]:
    """protocol, clips, digits (in words) and rows: number of samples -> such a row as `evaluate` gives. Ready for json.dumps."""
    parts: dict[int, list[Scores]] = {n: [] for n in samples}
    for truth, made in futures(protocol, clips, max(samples), split, data_root, seed):
        truth, made = (x[..., PROTOCOLS[protocol].n_past :, :, :, :].float() / 255 for x in (truth, made))
        for n in samples:
            parts[n].append(compute_scores(made[None, :n], truth[None], one_future=False))
    rows = {str(n): summarise_row(join_scores(of_clips)) for n, of_clips in parts.items()}
    return {"protocol": protocol, "clips": clips, "digits": protocol_digits(data_root, split), "rows": rows}


def table(result: dict[str, Any]) -> str:
    spread = {**TOGETHER, "diversity": ".2f", "sample_spread": ".1f"}
    lines = [["the simulator's futures: best / mean", *SCORES, *spread]]
    for n, row in result["rows"].items():
        lines.append([f"of {n}", *(format_best_and_mean(row, metric, form) for metric, form in SCORES.items())])
        lines[-1] += [format_number(row[metric], form) for metric, form in spread.items()]
    return align_columns(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", default="smmnist-svg", help=", ".join(PLACES))
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--samples", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--split", choices=("test", "val"), default="test")
    parser.add_argument("--data-root", help="folder with MNIST/raw (default: the variable VP_DATA)")
    parser.add_argument("--seed", type=int, default=0, help="of the new bounces (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")
    args = parser.parse_args()
    try:
        result = measure(args.protocol, args.clips, args.samples, args.split, args.data_root, args.seed)
    except ValueError as error:
        parser.error(str(error))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
