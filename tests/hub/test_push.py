"""What a push uploads: exactly the listed files, bit for bit, with a card that says what the checkpoint says."""

from __future__ import annotations

import json
import re

import pytest

from vp import cli
from vp.core.files import file_sha256
from vp.prediction.checkpoint import FOLDER
from vp.prediction.model import load
from vp.publish.front_matter import read_front_matter
from vp.publish.model_card import model_card


def run(capsys, *words: str) -> dict:
    """The result of a command."""
    code = cli.main(words)
    out = capsys.readouterr()
    assert code == 0, out.err
    return json.loads(out.out.splitlines()[-1])


def refusal(capsys, *words: str) -> str:
    assert cli.main(words) == 2
    return capsys.readouterr().err


def test_a_push_comes_back_bit_for_bit(empty_hub, weights_file, tmp_path, capsys):
    pushed = run(capsys, "push", str(weights_file), "ann/new", "--private")
    assert pushed["files"].keys() == {"README.md", "tiny.safetensors", "manifest.json"}
    assert empty_hub.created["visibility"] == "private" and empty_hub.message == "Upload tiny"
    files = empty_hub.repos["models/ann/new"]
    assert files["tiny.safetensors"] == weights_file.read_bytes() and files.keys() == pushed["files"].keys()
    out = tmp_path / "back.safetensors"
    pulled = run(capsys, "pull", "ann/new", "--out", str(out))
    assert out.read_bytes() == weights_file.read_bytes()
    assert pulled["sha256"] == file_sha256(weights_file) and pulled["compared"]
    assert load("hf://ann/new", "cpu").name == "tiny"


def test_a_dry_run_lists_the_files_and_asks_nobody(empty_hub, weights_file, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    listed = run(capsys, "push", str(weights_file), "ann/new", "--dry-run")
    assert listed["files"]["tiny.safetensors"] == weights_file.stat().st_size and listed["commit"] is None
    assert not empty_hub.seen and not empty_hub.repos


def test_results_go_beside_the_model_without_paths_of_this_machine(hub, tmp_path, capsys):
    evaluation = {"checkpoint": "tiny", "protocol": "mmnist", "test_set": "/home/ann/mnist_test_seq.npy", "crps": 0.5}
    path = tmp_path / "tiny.mmnist.json"
    path.write_text(json.dumps(evaluation))
    run(capsys, "push-results", str(path), "ann/tiny")
    files = hub.repos["models/ann/tiny"]
    assert json.loads(files["evaluations/tiny.mmnist.json"]) == {**evaluation, "test_set": "mnist_test_seq.npy"}
    assert "tiny.safetensors" in files


@pytest.mark.parametrize(
    ("fault", "says"),
    [(403, r"ann/tiny: the Hub refused access \(HTTP 403\); run `hf auth login`"), (500, r"with an error \(HTTP 500\)")],
)
def test_a_push_that_is_refused_says_why(hub, weights_file, capsys, fault, says):
    hub.faults["commit"] = fault
    assert re.search(says, refusal(capsys, "push", str(weights_file), "ann/tiny"))


def test_what_is_no_checkpoint_is_not_pushed(empty_hub, tmp_path, weights_file, capsys):
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04. a pickle")
    assert "is damaged or is not a vp checkpoint" in refusal(capsys, "push", str(tmp_path / "model.safetensors"), "ann/x")
    assert "is no checkpoint on this machine" in refusal(capsys, "push", "flow", "ann/x")
    assert "is no address on the Hub" in refusal(capsys, "push", str(weights_file), "x")
    evaluation = tmp_path / "other.json"
    evaluation.write_text('{"checkpoint": "other", "protocol": "mmnist"}')
    words = ("push", str(weights_file), "ann/x", "--evaluation", str(evaluation))
    assert "an evaluation is of other, and the checkpoint is tiny" in refusal(capsys, *words)
    assert not empty_hub.seen


def test_what_was_pulled_and_is_no_checkpoint_is_not_copied(hub, tmp_path, capsys):
    hub.repos["models/ann/tiny"]["tiny.safetensors"] = b"\x80\x04. a pickle"
    out = tmp_path / "out.safetensors"
    assert "is damaged or is not a vp checkpoint" in refusal(capsys, "pull", "ann/tiny", "--out", str(out))
    assert not out.exists()


@pytest.mark.parametrize("name", ["vpn-gan-mmnist", "svg-lp-people", "svg-lp-smmnist"])
def test_the_card_says_licence_data_numbers_and_commands(name):
    yaml = pytest.importorskip("yaml")
    model = load(name, "cpu")
    evaluations = [json.loads(path.read_text()) for path in sorted((FOLDER.parent / "docs/evaluations").glob(f"{name}.*.json"))]
    text = model_card(model, f"ann/{name}", f"{name}.safetensors", evaluations)
    block = yaml.safe_load(text.split("---")[1])
    assert read_front_matter(text) == block
    assert block["license"] == {"MIT": "mit", "research use only": "other"}[model.card.licence]
    assert block["library_name"] == "vp" and "video-prediction" in block["tags"]
    assert block.get("datasets", []) == ([] if name == "svg-lp-people" else ["ylecun/mnist"])
    protocols = [found["protocol"] for found in evaluations] or list(model.card.metrics)
    assert protocols and all(f"python -m vp evaluate hf://ann/{name} --protocol {protocol}" in text for protocol in protocols)
    assert f'load("hf://ann/{name}")' in text and "Weights: " + model.card.licence in text
