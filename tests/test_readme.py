"""The README's front matter makes a valid Space; the commands and links of all documents exist."""

import dataclasses
import re
import shlex
from pathlib import Path

import pytest

from vp import cli
from vp.core.latent_options import LatentOptions
from vp.models.fusion.predictor import FusionOptions
from vp.models.ramvid.options import RamvidOptions
from vp.models.svg_motion.options import MotionOptions

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def front_matter():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(README.split("---")[1])


def requirement(name: str) -> str:
    lines = (ROOT / "requirements.txt").read_text().split()
    return next(line for line in lines if re.match(rf"{name}\b", line))


def test_the_front_matter_is_that_of_a_gradio_space(front_matter):
    assert front_matter["sdk"] == "gradio" and (ROOT / front_matter["app_file"]).is_file()
    assert requirement("gradio") == f"gradio=={front_matter['sdk_version']}"
    assert {front_matter["colorFrom"], front_matter["colorTo"]} <= COLOURS
    assert len(front_matter["emoji"].rstrip("\ufe0f")) == 1
    assert len(front_matter["short_description"]) <= 60
    assert isinstance(front_matter["python_version"], str) and front_matter["license"] == "mit"


def test_the_package_and_all_its_extras_require_what_requirements_txt_installs():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    assert sorted(project["dependencies"] + extras) == sorted((ROOT / "requirements.txt").read_text().split())


def test_torch_is_not_pinned_upward():
    assert requirement("torch") == "torch>=2.8"


def test_a_space_installs_the_libraries_opencv_links():
    assert (ROOT / "packages.txt").read_text().split() == ["libgl1", "libglib2.0-0", "libxcb1"]


def documents() -> list[Path]:
    """What is read now; the log tells of commands as they were."""
    places = ("README.md", "docs/*.md", "checkpoints/*.md", "vp/models/*/README.md")
    return sorted(path for place in places for path in ROOT.glob(place))


def commands() -> list[str]:
    blocks = [block for path in documents() for block in re.findall(r"```bash\n(.*?)```", path.read_text(), re.S)]
    lines = [line.split("#")[0].strip() for block in (*blocks, *cli.EXAMPLES.values()) for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("python -m vp ")})


def test_there_are_commands_to_check():
    assert len(documents()) >= 8 and len(commands()) >= 30


@pytest.mark.parametrize("command", commands())
def test_every_command_line_parses(command):
    """What is left over are options of a model."""
    words = shlex.split(command)[3:]
    _, extra = cli.build_parser().parse_known_args(words)
    kinds = LatentOptions, MotionOptions, RamvidOptions, FusionOptions
    options = {"--" + field.name.replace("_", "-") for kind in kinds for field in dataclasses.fields(kind)}
    assert {word for word in extra if word.startswith("--")} <= options


def test_ci_runs_the_readmes_two_commands():
    script = (ROOT / ".ci" / "run").read_text()
    for name in ("run", "test"):
        assert f"<!-- command: {name} -->" in README and f"command: {name}" in script


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_pictures_point_at_files(path):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
    assert targets or path.name != "README.md" or path.parent != ROOT
