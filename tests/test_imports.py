"""The import order of vp, so that no cycle is possible and a family can be removed with its folder."""

import ast
import json
import sys
from pathlib import Path

import pytest

from vp.bench.start import time_command

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "vp").rglob("*.py"))

# layer -> (layers of vp it may import beside itself, third-party packages beside torch and numpy)
DRAWING = {"matplotlib", "cv2", "PIL"}
ALL = {
    "root", "core", "catalog", "data", "metrics", "result", "prediction", "training", "evaluation", "bench", "lessons", "hub",
    "publish",
}  # fmt: skip
LAYERS = {
    "root": (set(), set()),
    "core": (set(), set()),
    "nn": ({"core"}, {"cv2", "triton"}),
    "models": (set(), set()),
    "models/*": ({"core", "nn"}, set()),
    "models/baselines": ({"core", "nn"}, {"cv2"}),
    "models/fusion": ({"core", "nn"}, {"cv2", "torchvision"}),
    "catalog": ({"core", "models", "models/*"}, set()),
    "data": ({"core"}, {"cv2", "moviepy", "imageio_ffmpeg", "torchvision", "pymunk", "PIL"}),
    "metrics": ({"core"}, {"cv2"}),
    "result": ({"root", "core", "data", "metrics"}, DRAWING),
    "hub": ({"core"}, {"huggingface_hub"}),
    "prediction": ({"root", "core", "catalog", "data", "metrics", "result", "hub"}, DRAWING | {"safetensors"}),
    "publish": ({"root", "core", "data", "result", "hub", "prediction"}, set()),
    "training": (
        {"root", "core", "catalog", "data", "metrics", "result", "prediction", "hub"},
        DRAWING | {"tensorboard", "safetensors", "tqdm"},
    ),
    "evaluation": ({"root", "core", "catalog", "data", "metrics", "result", "prediction"}, DRAWING | {"tqdm", "skimage"}),
    "bench": ({"root", "core", "catalog", "data", "metrics", "result", "prediction", "training"}, DRAWING | {"skimage"}),
    "lessons": ({"root", "core", "data", "prediction", "result"}, set()),
    "cli": (ALL | {"ui"}, {"tqdm"}),
    "ui": (ALL, {"gradio", "spaces"}),
}
NAMES = {"__init__": "root", "__main__": "cli", "catalog": "catalog"}  # modules directly in vp
# inside functions only: slow to load, or not installed everywhere
LATE = {
    "moviepy",
    "imageio_ffmpeg",
    "torchvision",
    "pymunk",
    "tensorboard",
    "matplotlib",
    "skimage",
    "huggingface_hub",
}


def layer(parts: tuple[str, ...]) -> str:
    """The layer of a module, given its parts below vp: ("models", "svg", "latent") -> "models/svg"."""
    if parts[:1] == ("models",) and len(parts) > 1:
        return f"models/{parts[1]}"
    return NAMES.get(parts[0], parts[0]) if parts else "root"


def below_vp(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ROOT / "vp").with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(node: ast.stmt, path: Path) -> list[str]:
    """Absolute dotted names that an import statement reaches, `from x import y` as x.y."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = (node.module or "").split(".") if node.module else []
    if node.level:
        package = ("vp", *path.relative_to(ROOT / "vp").parts[:-1])
        base = [*package[: len(package) - node.level + 1], *base]
    return [".".join([*base, alias.name]) for alias in node.names]


def imports(path: Path) -> list[tuple[str, bool]]:
    """(name, whether it runs when the module is loaded) of every import, wherever it stands."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or is_type_checking(node):
            late |= {id(inner) for inner in ast.walk(node)}
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return [(name, id(node) not in late) for node in found for name in imported(node, path)]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def complaint(path: Path, name: str, early: bool) -> str | None:
    """Why `path` may not import `name`, or None."""
    here = layer(below_vp(path))
    layers, packages = LAYERS[here] if here in LAYERS else LAYERS["models/*"]
    top, *rest = name.split(".")
    if top != "vp":
        if top in sys.stdlib_module_names or top in {"torch", "numpy"}:
            return None
        if top not in packages:
            return f"{here} may not import {top}"
        return f"{top} must be imported inside a function" if early and top in LATE else None
    there = layer(tuple(rest[:-1]) if rest and not is_module(rest) else tuple(rest))
    shared = {there} | ({"models/*"} if there.startswith("models/") else set())
    return None if there == here or shared & layers else f"{here} may not import vp.{there.replace('/', '.')}"


def is_module(parts: list[str]) -> bool:
    below = (ROOT / "vp").joinpath(*parts)
    return below.is_dir() or below.with_suffix(".py").is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_follow_the_table(path):
    parts = below_vp(path)
    assert layer(parts) in LAYERS or layer(parts).startswith("models/"), "give this folder a row in LAYERS"
    wrong = {text for name, early in imports(path) if (text := complaint(path, name, early))}
    assert not wrong


@pytest.mark.parametrize(
    ("file", "code", "allowed"),
    [
        ("core/x.py", "import torch, math", True),
        ("core/x.py", "from ..nn.warp import warp", False),
        ("core/x.py", "def f():\n    from vp import data", False),
        ("models/svg/x.py", "from ..baselines import FLOW", False),
        ("models/svg/x.py", "from ...nn.warp import warp", True),
        ("models/svg/x.py", "import cv2", False),
        ("models/baselines/x.py", "import cv2", True),
        ("nn/x.py", "from vp.models import svg", False),
        ("training/x.py", "from vp.catalog import FAMILIES", True),
        ("training/x.py", "from vp.models.svg import FAMILY", False),
        ("training/x.py", "import gradio as gr", False),
        ("training/x.py", "import tensorboard", False),
        ("training/x.py", "def f():\n    import tensorboard", True),
        ("metrics/x.py", "from ..data import DATASETS", False),
        ("ui/x.py", "from ..prediction.model import load\nimport gradio", True),
        ("ui/x.py", "from .. import __version__", True),
        ("training/x.py", "from ..ui import app", False),
        ("__init__.py", "from . import core", False),
    ],
)
def test_the_test_sees_what_it_should(file, code, allowed, tmp_path, monkeypatch):
    path = tmp_path / "vp" / file
    path.parent.mkdir(parents=True)
    path.write_text(code)
    for known in FILES:  # the folders, so that names can be told from modules
        (tmp_path / known.relative_to(ROOT).parent).mkdir(parents=True, exist_ok=True)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert all(complaint(path, name, early) is None for name, early in imports(path)) == allowed


# in this order: what is imported, the statements, and packages that must not be loaded by then
STEPS = {
    "data": ("from vp.data import open_dataset; open_dataset('push')", LATE | {"cv2", "PIL", "gradio"}),
    "training": ("import vp.training.train", LATE | {"imageio", "gradio"}),
    "the Python API": ("from vp import load, sample, evaluate", LATE | {"gradio"}),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """What a fresh interpreter that takes STEPS has loaded after each, by the step's name; and the seconds that it takes."""
    path = tmp_path_factory.mktemp("imports") / "loaded.json"
    note = "found.append(sorted({name.split('.')[0] for name in sys.modules}))"
    lines = ["import json, sys", "found = []", *(f"{code}\n{note}" for code, _ in STEPS.values())]
    seconds = time_command([sys.executable, "-c", "\n".join([*lines, f"json.dump(found, open({str(path)!r}, 'w'))"])])
    return dict(zip(STEPS, json.loads(path.read_text()), strict=True)), seconds


@pytest.mark.parametrize("step", STEPS)
def test_importing_loads_nothing_heavy(step, loaded):
    assert "vp" in loaded[0][step] and not STEPS[step][1].intersection(loaded[0][step])


def test_all_is_imported_quickly(loaded):
    assert loaded[1] < 15  # 3 s on two idle cores; `bench start` says how long


def test_no_function_and_no_file_is_long():
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in FILES}
    defined = [
        (node.end_lineno - node.lineno + 1, f"{path.name}: {node.name}")
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert not [name for length, name in defined if length > 60]
    assert not [str(path) for path, length in lines.items() if length > 400]
    assert sorted(lines.values())[len(lines) // 2] < 150
