"""No weight file, however damaged, gives a traceback, hangs, or keeps the page from being built."""

import json
import shutil
import sys

import pytest
import torch

from benchmarks.damaged_files import COUNT, damaged_files
from benchmarks.damaged_weights import SOURCE, Report, make_files, try_all
from vp.catalog import FAMILIES
from vp.models.svg import networks, tiny
from vp.prediction import checkpoint
from vp.prediction.card import as_card
from vp.prediction.config_json import check_config, config_to_json
from vp.prediction.fit import check_fit, expected_tensors
from vp.prediction.header import Stored
from vp.prediction.model import available, load

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and alarms are of POSIX")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The smallest SVG, untrained, with all fields of a shipped card."""
    path, card = tmp_path_factory.mktemp("small") / "small.safetensors", checkpoint.read_card(SOURCE)
    weights = networks(tiny()).state_dict()
    checkpoint.save(path, weights, card | {"config": json.loads(json.dumps(config_to_json(tiny())))})
    return path


def test_each_is_refused_in_one_sentence_by_the_list_the_loader_and_the_commands(small, tmp_path):
    (tmp_path / "files").mkdir()
    files, places = make_files(tmp_path / "files", small, every=8)
    assert len(files) == 20 and len(places) == 15
    report = try_all(tmp_path / "files", files, places, tmp_path / "out")
    assert (report.refused, report.usable, report.silent, report.tracebacks) == (35, [], [], [])
    assert report.listed >= 25 and report.slowest_s < 10


def test_the_page_is_built_beside_all_of_them(small, tmp_path):
    from vp.ui.app import build
    from vp.ui.models import Models

    files, places = make_files(tmp_path, small)
    assert len(files) == COUNT == len(set(files))
    shutil.copy(small, tmp_path / "zz-whole.safetensors")
    models = Models("cpu", tmp_path)
    first = models.first_usable()
    assert first == "zz-whole", "the last by name: those before it are left out when they do not load"
    assert len(models.problems) == COUNT + len(places) and all(problem.isprintable() for problem in models.problems)
    build("cpu", tmp_path)


def test_what_ends_otherwise_than_in_a_sentence_is_reported(tmp_path):
    report = Report()
    assert isinstance(report.attempt("a", lambda: int("x")), ValueError) and report.tracebacks == []
    report.attempt("b", lambda: {}["x"])
    assert report.tracebacks == ["b: KeyError('x')"]


@pytest.mark.parametrize("family", [family for family in FAMILIES.values() if family.recipes], ids=lambda family: family.name)
def test_networks_of_every_family_are_compared_without_memory(family):
    for config in (family.tiny(), *(recipe.config for recipe in family.recipes)):
        check_config(family.config, config_to_json(config))
        count = len(expected_tensors(family, config, 10_000))
        found = expected_tensors(family, config, count // 2)
        assert found and all(x.is_meta for x in found.values())
        names = {"torch.float32": "F16", "torch.float64": "F64", "torch.int64": "I64"}
        stored = {name: Stored(names[str(x.dtype)], tuple(x.shape)) for name, x in found.items()}
        check_fit(family, config, stored)
        with pytest.raises(ValueError, match="is none of its networks' weights"):
            check_fit(family, config, stored | {"more": Stored("F16", ())})


def test_a_config_of_endless_layers_is_left_before_they_are_made():
    family = FAMILIES["vpn"]
    config = family.config(network="simvp", widths=(24, 80), blocks=4096)
    with pytest.raises(ValueError, match="far more layers than it has weights for"):
        expected_tensors(family, config, 100)
    assert torch.is_grad_enabled()


def test_a_card_names_the_field_that_is_wrong_and_keeps_those_it_does_not_know(tmp_path):
    assert as_card({"about": "x", "colour": [1]})["colour"] == [1]
    wrong = {"lineage": [{}, {"data": {"kth": "much"}}]}
    with pytest.raises(ValueError, match=r"its field lineage\[1\]\.data is not a number"):
        as_card(wrong)
    with pytest.raises(ValueError, match="its field config is missing"):
        as_card({"family": "svg"}, ("family", "config"))


def test_links_to_weight_files_are_followed_and_their_name_counts(tmp_path):
    (tmp_path / "here.safetensors").symlink_to(SOURCE)
    assert load(tmp_path / "here.safetensors", "cpu").name == "here"
    assert available(tmp_path)[0].name == "here"
    with pytest.raises(ValueError, match=rf"^{tmp_path}/nowhere.safetensors does not exist; .* lists the checkpoints there are$"):
        checkpoint.read_card(tmp_path / "nowhere.safetensors")


def test_weights_that_are_not_finite_are_named(small, tmp_path):
    (tmp_path / "nan.safetensors").write_bytes(dict(damaged_files(small))["weights-nan"])
    with pytest.raises(ValueError, match=rf"^{tmp_path}/nan\.safetensors holds weights that are not finite, in svg\."):
        load(tmp_path / "nan.safetensors", "cpu")
