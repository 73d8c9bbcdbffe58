"""Does a clip that a person uploads get the model that suits it? Forty uploads, each with the model that a sensible person wants.

    python -m benchmarks.routing --data-root DIR --json routing.json

What is wanted was written down before the rule that chooses was first run on any of them. Real clips are of sources, splits and
people that no shipped model was trained on and no example shows: of `real128` `split` val and dev, of KTH persons 07 and 09. A
real clip of any kind is for svg-lp-real; moving digits, on whatever ground, for svg-lp-smmnist; the push world for svg-lp-push;
grey people at 64 px, where docs/log/any-clip.md measures it 1.5 dB ahead, for svg-lp-people.

Every clip is written to a file (H.264, GIF where that is said), read as the app reads an upload, and counts as right where it
gets the wanted model whichever of the four was on screen before, and none of them by hand; beside it stands how many do with the
usual one on screen, as on a fresh page.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks import drawn_clips as drawn
from vp.data import open_dataset, read_clip, write_gif, write_mp4
from vp.data.video_file import centre_square, to_grey
from vp.prediction.card import Card
from vp.prediction.known_frames import resize
from vp.prediction.model import available
from vp.ui.clips import find_clip, store_upload
from vp.ui.suited import choose_model

ANY, DIGITS, PUSH, PEOPLE = "svg-lp-real", "svg-lp-smmnist", "svg-lp-push", "svg-lp-people"
FRAMES = 30  # of a recording
Make = Callable[[Path], np.ndarray]  # the folder of the data -> frames uint8 (T, H, W, C)


@dataclass(frozen=True)
class Upload:
    """
    Args:
        what: it shows, in words.
        wanted: name of the model that it should get.
        make: its frames.
        suffix: of the file it is uploaded as.
    """

    what: str
    wanted: str
    make: Make
    suffix: str = ".mp4"


def real(name: str, change: Callable[[np.ndarray], np.ndarray] = lambda frames: frames) -> Make:
    """A clip of `real128`, changed."""
    return lambda root: change(recording(root / "real128" / f"{name}.mp4"))


def kth(name: str, start: float, side: int | None = None) -> Make:
    """A clip of KTH from `start` seconds on, when somebody is in the picture; in grey, whole or as a small square."""

    def make(root: Path) -> np.ndarray:
        frames = to_grey(read_clip(root / "kth" / name, max_frames=FRAMES, start=start).frames)[0]
        if side is None:
            return frames
        return resize(np.stack([centre_square(frame) for frame in frames]), side, side)

    return make


def drawing(make: Callable[[], np.ndarray]) -> Make:
    return lambda root: make()


def digits(*numbers: int, change: Callable[[np.ndarray], np.ndarray] = lambda picture: picture, **look: int) -> Make:
    """Handwriting-like digits that bounce about; see `drawn.moving`."""
    return lambda root: drawn.moving([change(drawn.stroke_digit(number)) for number in numbers], **look)


def recording(path: Path) -> np.ndarray:
    return read_clip(path, max_frames=FRAMES).frames


def grey(frames: np.ndarray) -> np.ndarray:
    return to_grey(frames)[0]


def strip(frames: np.ndarray) -> np.ndarray:
    """The middle third, three to six times as wide as high."""
    third = frames.shape[1] // 3
    return frames[:, third : 2 * third]


def small(frames: np.ndarray) -> np.ndarray:
    return resize(np.stack([centre_square(frame) for frame in frames]), 64, 64)


def dark(share: float, noise: float) -> Callable[[np.ndarray], np.ndarray]:
    """So much of the light, and a sensor's noise of so many grey levels."""

    def change(frames: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(0)
        return (share * frames + rng.normal(0, noise, frames.shape)).clip(0, 255).astype(np.uint8)

    return change


def photograph(frames: np.ndarray) -> np.ndarray:
    return np.repeat(frames[:1], FRAMES, 0)


def slides(root: Path) -> np.ndarray:
    """Three photographs, ten frames each."""
    names = ("vhar/vhar_0002", "vtracker/vtracker_0001", "umi/umi_0001")
    shown = [resize(recording(root / "real128" / f"{name}.mp4")[:1], 128, 228) for name in names]
    return np.repeat(np.concatenate(shown), 10, 0)


def official_digits(root: Path) -> np.ndarray:
    return np.load(root / "moving_mnist_test_first1000.npz")["frames"][77][..., None]


def push(side: int, seed: int) -> Make:
    def make(root: Path) -> np.ndarray:
        import cv2

        batch = open_dataset("push", "test").batch(1, 20, torch.Generator().manual_seed(seed))
        frames = batch.frames[0].movedim(1, -1).numpy()
        return np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_CUBIC) for frame in frames])

    return make


UPLOADS = (
    Upload("a woman who films herself outdoors, phone", ANY, real("dntours/dntours_0002")),
    Upload("a portrait of walkers, phone held upright", ANY, real("dntours/dntours_0001")),
    Upload("fog before a car's windscreen", ANY, real("seehear/seehear_0002")),
    Upload("a motorbike on a road", ANY, real("davistr/davistr_0001")),
    Upload("a robot's table with coloured blocks", ANY, real("ilang/ilang_0001")),
    Upload("a walking robot's own view", ANY, real("rparkour/rparkour_0001")),
    Upload("tennis on television", ANY, real("tennis/tennis_0001")),
    Upload("football on television", ANY, real("fball/fball_0001")),
    Upload("a motorway, surveillance in grey", ANY, real("bgs/bgs_0001", grey)),
    Upload("an underground station, surveillance", ANY, real("unatt/unatt_0001")),
    Upload("a speedometer: numbers on black", ANY, real("s_sevda/s_sevda_0001")),
    Upload("a bay, a strip three times as wide as high", ANY, real("s_medit/s_medit_0001", strip)),
    Upload("archery in low light", ANY, real("hmdb/hmdb_0001", dark(0.2, 2))),
    Upload("a car by night, nearly black", ANY, real("edit_motion/edit_motion_0001", dark(0.05, 1.5))),
    Upload("a building from a shaking hand", ANY, real("meshflow/meshflow_0001")),
    Upload("a hand's gesture", ANY, real("gesture/gesture_0001")),
    Upload("a photograph that stands still", ANY, real("soundify/soundify_0001", photograph)),
    Upload("push-ups, 64x64 in colour", ANY, real("askany/askany_0001", small)),
    Upload("a slide show of three photographs", ANY, slides),
    Upload("KTH, a person who walks, 160x120 as filmed", ANY, kth("person07_walking_d2_uncomp.avi", 1.0)),
    Upload("KTH, a person who runs, 64x64 in grey", PEOPLE, kth("person09_running_d1_uncomp.avi", 0.4, 64)),
    Upload("coloured balls that bounce on white", ANY, drawing(drawn.balls)),
    Upload("a film's credits, white text on black", ANY, drawing(drawn.credits)),
    Upload("a screen recording, a document scrolls", ANY, drawing(drawn.document)),
    Upload("a screen recording, code is typed", ANY, drawing(drawn.code_editor)),
    Upload("coloured letters that drift", ANY, drawing(drawn.letters)),
    Upload("a cartoon in black and white", ANY, drawing(drawn.cartoon)),
    Upload("an old video game, white on black", ANY, drawing(drawn.pong)),
    Upload("white noise", ANY, drawing(drawn.noise)),
    Upload("a game that looks like the push world", ANY, drawing(drawn.bin_game)),
    Upload("Moving MNIST, official test file", DIGITS, official_digits),
    Upload("digits, black on white", DIGITS, digits(3, 40, ground=255, ink=0)),
    Upload("digits on a grey ground", DIGITS, digits(5, 61, ground=110, ink=235)),
    Upload("digits of 40 pixels", DIGITS, digits(7, 82, side=40)),
    Upload("printed digits", DIGITS, drawing(lambda: drawn.moving([drawn.printed_digit(4), drawn.printed_digit(7)]))),
    Upload("three digits", DIGITS, digits(11, 12, 13)),
    Upload("digits turned by 30 degrees", DIGITS, digits(21, 55, change=lambda picture: drawn.tilted(picture, 30))),
    Upload("digits enlarged to 256x256, GIF", DIGITS, digits(31, 90, side=112, canvas=256), ".gif"),
    Upload("the push world", PUSH, push(64, 11)),
    Upload("the push world, 480x480, compressed again", PUSH, push(480, 12)),
)


def given(upload: Upload, root: Path, cards: dict[str, Card]) -> list[str]:
    """Names of the models that it gets, one for each of those that were on screen before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{upload.suffix}"
        (write_gif if upload.suffix == ".gif" else write_mp4)(path, upload.make(root), 10.0 if upload.wanted == DIGITS else 25.0)
        clip = find_clip(store_upload(str(path)))
    return list(dict.fromkeys(choose_model(cards, clip, before, by_hand=False)[0] for before in (ANY, DIGITS, PUSH, PEOPLE)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, metavar="DIR", help="folder that holds real128, kth and so on")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cards = {card.name: card for card in available() if not card.problem}
    rows, right, fresh = [], 0, 0
    for number, upload in enumerate(UPLOADS, 1):
        found = given(upload, args.data_root, cards)
        right, fresh = right + (found == [upload.wanted]), fresh + (found[0] == upload.wanted)
        rows.append({"what": upload.what, "wanted": upload.wanted, "given": found})
        mark = "" if found == [upload.wanted] else "   <- wrong"
        print(f"{number:2} {upload.what:46} {upload.wanted:15} {', '.join(found)}{mark}", flush=True)
    print(f"{right} of {len(UPLOADS)} right; {fresh} on a fresh page")
    result = {"right": right, "fresh": fresh, "of": len(UPLOADS)}
    if args.json:
        args.json.write_text(json.dumps({**result, "uploads": rows}, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
