"""What `gpu_check` measures, section by section: each takes a `Setting` and returns what JSON can hold.

Figures are ms where a name ends in `_ms`, of one call from known frames to futures on the host, or of one training step.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vp.bench.sampling import apply_switches
from vp.bench.switches import Switches
from vp.bench.training import training_step
from vp.catalog import FAMILIES, find_recipe
from vp.core.bundled import bundled_folder
from vp.core.capture import record_cuda_graph
from vp.core.predictor import seed_grid
from vp.core.runtime import Runtime
from vp.core.video import Observation
from vp.data import open_dataset, read_clip
from vp.prediction.known_frames import resize
from vp.prediction.model import Model, available, load_on
from vp.training.machine import measure_ceilings
from vp.training.settings import Settings
from vp.training.timing import time_calls
from vp.training.trainer import Trainer

MODELS = (  # of every family; quick: the first of each of three families
    "svg-lp-smmnist", "vpn-convlstm-mmnist", "ramvid-smmnist", "svg-lp-real", "svg-lp-push", "vpn-conv-mmnist", "vpn-lstm-mmnist",
    "ramvid-real", "fusion-mmnist",
)  # fmt: skip
QUICK_MODELS = 3
WORST, MEAN = 0.02, 1e-4  # a GPU's float32 frames may differ so much from a CPU's
SIZES = ((180, 320), (288, 512))  # of real clips, height and width
LATE = 60_000, 100_000  # step and steps of a training: full lengths, own frames
KERNELS = 25  # listed in a profile
BEFORE_REPLAY = 2  # calls of a kind: the first is computed directly, the second recorded
TESTS = ("tests/training/test_cuda.py", "tests/nn/kernel_checks.py")


@dataclass(frozen=True)
class Setting:
    """Where to measure, and whether a rough look will do."""

    device: torch.device
    quick: bool = False

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def repeats(self) -> int:
        return 1 if self.quick else 5

    def runtimes(self) -> dict[str, Runtime]:
        """What users get first, and on a GPU what it can be compared with."""
        usual = Runtime.pick(self.device.type)
        if not self.cuda:
            return {"cpu": usual}
        return {
            "graph": usual,
            "eager": replace(usual, recorder=None),
            "graph, NCHW": replace(usual, channels_last=False),
            "graph, fp32": replace(usual, bf16=False),
        }


def calibrate(setting: Setting) -> dict[str, Any]:
    """Matrix products, copies, and what one small operation costs: launched by itself, and as a node of a graph."""
    count, x = 200 if setting.quick else 2000, torch.zeros(1024, device=setting.device)

    def add() -> Tensor:
        for _ in range(count):
            x.add_(1)
        return x

    found = {**measure_ceilings(setting.device.type, setting.repeats), "torch": torch.__version__}
    found["eager_us_per_op"] = milliseconds(add, setting) / count * 1e3
    if setting.cuda:
        found["graph_us_per_node"] = milliseconds(record_cuda_graph(add).replay, setting) / count * 1e3
        there = torch.empty(2**25, dtype=torch.uint8, device=setting.device)
        for name, here in (("pageable", there.cpu()), ("pinned", there.cpu().pin_memory())):
            for way, copy in (("upload", partial(there.copy_, here)), ("download", partial(here.copy_, there))):
                found[f"{way}_{name}_gb_s"] = round(2**25 / milliseconds(copy, setting) / 1e6, 1)
    return found


def tests(setting: Setting) -> dict[str, Any]:
    """The tests that need a GPU, fused kernels among them."""
    call = [sys.executable, "-m", "pytest", "-o", "addopts=--import-mode=importlib", "-q", *TESTS]  # with pytest alone installed
    told = subprocess.run(call, cwd=Path(__file__).resolve().parents[1], capture_output=True, text=True, timeout=180)
    return {"rc": told.returncode, "tail": told.stdout[-3000:]}


def parity(setting: Setting) -> dict[str, Any]:
    """Without TF32: frames of a graph against those of single calls, and both against a CPU's, on the scale of [0, 1]."""
    usual, rows = Runtime.pick(setting.device.type, "fp32"), {}
    kinds = {"cpu": Runtime.pick("cpu", "fp32"), "graph": usual, "eager": replace(usual, recorder=None)}
    kinds |= {"bf16": Runtime.pick(setting.device.type, "bf16"), "no fused kernels": usual}
    for name in MODELS[: QUICK_MODELS if setting.quick else None]:
        rows[name] = attempt(lambda: compare_kinds(name, kinds))
    return rows


def compare_kinds(name: str, kinds: dict[str, Runtime]) -> dict[str, Any]:
    """How far the frames of one model are from a CPU's on each runtime."""
    frames = {}
    with exact_products():
        for label, runtime in kinds.items():
            model = load_any(name, runtime)
            if label == "no fused kernels":
                apply_switches(model, Switches(fused=False))
            predict = prediction_call(model, 2, 5)
            calls = 1 if runtime.recorder is None else BEFORE_REPLAY + 1
            frames[label] = [predict().cpu() for _ in range(calls)][-1]
    apart = {label: (x - frames["cpu"]).abs() for label, x in frames.items() if label != "cpu"}
    row: dict[str, Any] = {f"{label}_max": float(x.max()) for label, x in apart.items()}
    row |= {f"{label}_mean": float(x.mean()) for label, x in apart.items()}
    row["graph_equals_eager"] = torch.equal(frames["graph"], frames["eager"])
    exact = [x for label, x in apart.items() if label != "bf16"]
    return {"fine": all(float(x.max()) <= WORST and float(x.mean()) <= MEAN for x in exact), **row}


def fused(setting: Setting) -> dict[str, Any]:
    """Sampling with the kernels of `vp.nn.fused` and with PyTorch's."""
    rows = {}
    for name in ("svg-lp-smmnist", "svg-lp-real", "ramvid-smmnist"):
        for futures in (1,) if setting.quick else (1, 16):
            for label, runtime in list(setting.runtimes().items())[:2]:
                for on in (True, False):
                    change = Switches(fused=on)
                    key = f"{name}, {futures} futures, {label}, {'on' if on else 'off'}"
                    rows[key] = attempt(lambda: time_model(name, futures, 15, runtime, setting, switches=change))
    return rows


def svg(setting: Setting) -> dict[str, Any]:
    return sampling("svg-lp-smmnist", 20, (1, 16, 100), setting)


def ramvid(setting: Setting) -> dict[str, Any]:
    return sampling("ramvid-smmnist", 15, (1, 16, 64), setting)


def svg_real(setting: Setting) -> dict[str, Any]:
    rows = {}
    for size in SIZES[: 1 if setting.quick else None]:
        for key, row in sampling("svg-lp-real", 10, (1, 8), setting, size).items():
            rows[f"{size[1]}x{size[0]}, {key}"] = row
    return rows


def sampling(
    name: str, frames: int, counts: tuple[int, ...], setting: Setting, size: tuple[int, int] | None = None
) -> dict[str, Any]:
    """A model's timings: what users get for every number of futures, other runtimes for the fewest and the most."""
    rows = {}
    for futures in counts[:1] if setting.quick else counts:
        for index, (label, runtime) in enumerate(setting.runtimes().items()):
            if index == 0 or futures in (counts[0], counts[-1]):
                rows[f"{futures} futures, {label}"] = attempt(
                    lambda: time_model(name, futures, frames, runtime, setting, size=size)
                )
    return rows


def time_model(
    name: str, futures: int, frames: int, runtime: Runtime, setting: Setting, size: tuple[int, int] | None = None,
    switches: Switches | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The first prediction, which records and compiles, and the later ones."""
    model = load_any(name, runtime)
    apply_switches(model, switches or Switches())
    run, before = prediction_call(model, futures, frames, size), torch.cuda.memory_reserved() if setting.cuda else 0
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        run()
    row: dict[str, Any] = {"first_ms": round((time.perf_counter() - began) * 1e3, 1), "wall_ms": milliseconds(run, setting)}
    row["frames_per_s"] = round(futures * frames / row["wall_ms"] * 1e3)
    row["stream_ms"] = milliseconds(prediction_call(model, futures, frames, size, streamed=True), setting)
    row["warnings"] = sorted({str(x.message)[:200] for x in told})
    if setting.cuda:
        row["reserved_mb"] = (torch.cuda.memory_reserved() - before) // 2**20
    return row


def yardsticks(setting: Setting) -> dict[str, Any]:
    """The published SVG network: trained frame by frame in float32 or all frames at once, sampled with and without graphs."""
    family, rows = FAMILIES["svg"], {}
    for batch in (2,) if setting.quick else (16, 64):
        for label in ("per_frame_loop", "teacher_forced", "closed_loop")[: 2 if setting.quick else None]:
            plain = label == "per_frame_loop"
            config, loss = family.benchmark_losses[label]
            switches = Switches(**dict.fromkeys(vars(Switches()), not plain))
            runtime = switches.make_runtime(setting.device.type, "auto")
            step = lambda: milliseconds(training_step(family, config, loss, batch, runtime, switches), setting)  # noqa: E731
            rows[f"step of {batch} clips, {label}{', plain' if plain else ''}"] = attempt(lambda: {"wall_ms": step()})
    for label, runtime in list(setting.runtimes().items())[:2]:
        rows[f"1 future, {label}"] = attempt(lambda: time_model("svg-lp-published", 1, 20, runtime, setting))
    return rows


def trainer(setting: Setting) -> dict[str, Any]:
    """Whole training steps, late in the schedule."""
    rows = {}
    wanted = {"svg-lp-smmnist": (8, 64, 128), "ramvid-smmnist": (8, 64, 128), "vpn-convlstm-mmnist": (8, 64, 128)}
    for name, batches in list(wanted.items())[: 1 if setting.quick else None]:
        for batch in (2,) if setting.quick else batches:
            rows[f"{name}, batch {batch}"] = attempt(lambda: time_trainer(name, batch, setting))
    return rows


def time_trainer(name: str, batch: int, setting: Setting) -> dict[str, Any]:
    """Whole steps of a batch of so many clips, and the making of the clips alone."""
    with tempfile.TemporaryDirectory() as folder:
        made = late_trainer(name, batch, folder, setting)
        if setting.cuda:
            torch.cuda.reset_peak_memory_stats()
        row = {"wall_ms": milliseconds(made.advance, setting)}
        row["data_ms"] = milliseconds(lambda: made.data.batches_for_step(made.step), setting)
        row["clips_per_s"] = round(batch / row["wall_ms"] * 1e3, 1)
        if setting.cuda:
            row["peak_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 2)
    return row


def late_trainer(name: str, batch: int, folder: str, setting: Setting) -> Trainer:
    """A training at step LATE, with fresh weights."""
    family, recipe = find_recipe(name)
    asked = Settings(Path(folder), steps=LATE[1], device=setting.device.type, batch=batch, digits="strokes")
    made = Trainer(family, recipe, asked)
    made.step = LATE[0]
    return made


def profile(setting: Setting) -> dict[str, Any]:
    """The kernels of one prediction by the time they take: [name, launches, ms]."""
    rows = {}
    for name, futures in (("svg-lp-smmnist", 1), ("svg-lp-smmnist", 100), ("ramvid-smmnist", 1), ("svg-lp-real", 1)):
        rows[f"{name}, {futures} futures"] = attempt(lambda: profile_model(name, futures))
    return rows


def profile_model(name: str, futures: int) -> dict[str, Any]:
    """Launches and times of a prediction; a replayed graph's kernels count one by one."""
    run = prediction_call(load_any(name, Runtime.pick("cuda")), futures, 15)
    for _ in range(BEFORE_REPLAY):
        run()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as told:
        run()
        torch.cuda.synchronize()
    kernels = [x for x in told.key_averages() if x.self_device_time_total > 0]
    kernels.sort(key=lambda x: -x.self_device_time_total)
    top = [[x.key[:120], x.count, round(x.self_device_time_total / 1e3, 3)] for x in kernels[:KERNELS]]
    total = sum(x.self_device_time_total for x in kernels)
    return {"launches": sum(x.count for x in kernels), "kernels_ms": round(total / 1e3, 2), "top": top}


def syncs(setting: Setting) -> dict[str, Any]:
    """The lines at which the host waits for the GPU, with how often: in a prediction without graphs, and in a training step."""
    rows = {}
    for name in ("svg-lp-smmnist", "ramvid-smmnist", "svg-lp-real"):
        eager = replace(Runtime.pick("cuda"), recorder=None)
        rows[f"{name}, prediction"] = attempt(lambda: waiting_lines(prediction_call(load_any(name, eager), 2, 5)))
    for name in ("svg-lp-smmnist", "ramvid-smmnist"):
        with tempfile.TemporaryDirectory() as folder:
            rows[f"{name}, training"] = attempt(lambda: waiting_lines(late_trainer(name, 8, folder, setting).advance))
    return rows


def waiting_lines(run: Callable[[], Any]) -> dict[str, int]:
    """file:line -> how often `run`, called a second time, waits there."""
    run()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    lines = Counter(f"{'/'.join(Path(x.filename).parts[-3:])}:{x.lineno}" for x in told if "synchroniz" in str(x.message))
    return dict(lines.most_common(KERNELS))


def pinning(setting: Setting) -> dict[str, Any]:
    """Is a recording safe beside a thread that pins memory, as the reader of a training does?"""
    done, problems = threading.Event(), []

    def pin() -> None:
        try:
            while not done.is_set():
                torch.empty(2**20, dtype=torch.uint8).pin_memory().to("cuda", non_blocking=True)
        except Exception as error:  # a recording may break others' calls
            problems.append(f"{type(error).__name__}: {error}"[:300])

    reader = threading.Thread(target=pin)
    reader.start()
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run = prediction_call(load_any("svg-lp-smmnist", Runtime.pick("cuda")), 1, 5)
            for _ in range(BEFORE_REPLAY):
                run()
    finally:
        done.set()
        reader.join()
    return {"reader_failed": problems, "warnings": [str(x.message)[:300] for x in told]}


def load_any(name: str, runtime: Runtime) -> Model:
    """A shipped model, or a recipe's network with random weights of some size, the same ones on every device."""
    if name in {card["name"] for card in available()}:
        return load_on(runtime, name)
    family, recipe = find_recipe(name)
    torch.manual_seed(0)
    networks = family.networks(recipe.config)
    with torch.no_grad():
        for p in networks.parameters():  # away from the zeros that layers start from
            p.add_(0.02 * torch.randn_like(p))
    predictor = family.predictor(recipe.config, runtime.lowered(networks), runtime)
    return Model(name, family, predictor, {"name": name})


def prediction_call(
    model: Model, futures: int, frames: int, size: tuple[int, int] | None = None, streamed: bool = False
) -> Callable[[], Tensor]:
    """A function that predicts `frames` frames of one clip and returns them, (1, N, F, C, H, W).

    Where `streamed`, it does so step by step, as the app shows it, and returns the whole clip.
    """
    predictor = model.predictor
    able, past = predictor.capabilities, predictor.capabilities.trained_past or 5
    clip = make_clip(model, past + frames, size)
    actions = None if able.actions is None else torch.zeros(1, past + frames, len(able.actions.names))
    observation, seeds = Observation.prefix(clip, past, actions=actions), seed_grid(0, 1, futures)
    if streamed:
        return lambda: list(predictor.stream(observation, seeds))[-1].prediction.frames
    return lambda: predictor.predict(observation, seeds).frames[:, :, past:]


def make_clip(model: Model, length: int, size: tuple[int, int] | None) -> Tensor:
    """float32 (1, T, C, H, W) in [0, 1]: simulated digits for models of one channel, else a shipped video at `size`."""
    able = model.predictor.capabilities
    if able.channels[0] == 1:
        source = open_dataset("mmnist" if able.trained_past == 10 else "smmnist-svg", "test", digits="strokes")
        return source.batch(1, length, torch.Generator().manual_seed(0)).frames.float() / 255
    name = "push-1" if able.actions else "worker"
    shown = read_clip(bundled_folder("assets") / "clips" / f"{name}.mp4", max_frames=length).frames
    height, width = (able.size, able.size) if able.size else size or SIZES[0]
    return torch.from_numpy(resize(shown, height, width)).movedim(-1, 1)[None].float() / 255


def milliseconds(run: Callable[[], Any], setting: Setting) -> float:
    """Median of a call, after those that warm up and are recorded."""
    warmup = BEFORE_REPLAY if setting.cuda else 1
    return round(time_calls(run, setting.repeats, setting.device, warmup)["median_s"] * 1e3, 3)


def attempt(measure: Callable[[], Any]) -> Any:
    """What is measured, or the error, so that other rows go on."""
    try:
        return measure()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:500]}


@contextmanager
def exact_products() -> Iterator[None]:
    """Without TF32 on a GPU."""
    places = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [place.allow_tf32 for place in places]
    try:
        for place in places:
            place.allow_tf32 = False
        yield
    finally:
        for place, was in zip(places, before):
            place.allow_tf32 = was
