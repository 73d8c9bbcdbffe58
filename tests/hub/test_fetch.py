"""Models from the Hub: from a cache, over a network that fails in every way, and never anything but checked weights."""

from __future__ import annotations

import hashlib
import json
import re
import time

import pytest
import torch

from vp.hub.address import Address, parse_address
from vp.prediction.model import load

from .conftest import DEADLINE_S, REPO
from .fake_hub import commit_of, serve


def refusal(address: str) -> str:
    """The sentence with which an address is refused, within the deadline."""
    began = time.monotonic()
    with pytest.raises(ValueError) as error:
        load(address, "cpu")
    assert time.monotonic() - began < DEADLINE_S + 1 and "\n" not in str(error.value)
    return str(error.value)


def test_a_model_is_fetched_once_and_then_needs_no_network(hub, monkeypatch):
    model = load(f"hf://{REPO}", "cpu")
    assert model.name == "tiny" and model.card.about == "for a test"
    asked = len(hub.seen)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for address in (f"hf://{REPO}/tiny.safetensors", f"hf://{REPO}@{commit_of(hub.repos[f'models/{REPO}'])}"):
        again = load(address, "cpu")
        assert all(torch.equal(x, again.weights[name]) for name, x in model.weights.items())
    assert len(hub.seen) == asked
    assert "HF_HUB_OFFLINE is set" in refusal(f"hf://{REPO}@v1")


@pytest.mark.parametrize(
    ("place", "fault", "says"),
    [
        ("list", 500, "answered with an error \\(HTTP 500\\); try again later"),
        ("list", 429, "too many requests from here \\(HTTP 429\\)"),
        ("list", "hang", "did not answer within 1 s; .*set VP_HUB_FIRST_BYTE_SECONDS"),
        ("body", 500, "\\(HTTP 500\\)"),
        ("head", "gated", "asks for terms to be accepted first"),
        ("body", "hang", "did not answer within 1 s"),
        ("body", "cut", "broke off again and again; try again later"),
        ("body", "corrupt", "has not the SHA-256 .*thrown away"),
    ],
)
def test_a_network_that_fails_is_one_sentence_in_time(hub, tmp_path, monkeypatch, place, fault, says):
    hub.faults[place] = fault
    if fault == "hang":
        monkeypatch.setenv("VP_HUB_FIRST_BYTE_SECONDS", "1")
    sentence = refusal(f"hf://{REPO}")
    assert sentence.startswith(f"hf://{REPO}: ")
    assert re.search(says, sentence), sentence
    assert not [path for path in (tmp_path / "hf").rglob("*.safetensors") if path.exists()], "nothing is left to be loaded"


def test_what_is_not_there_is_said(hub, weights_file):
    assert "no such repository, or it is private" in refusal("hf://ann/other")
    assert "no such revision" in refusal(f"hf://{REPO}@v9")
    assert "no such file; it has tiny.safetensors" in refusal(f"hf://{REPO}/big.safetensors")
    hub.repos[f"models/{REPO}"]["second.safetensors"] = weights_file.read_bytes()
    assert f"say which, as in hf://{REPO}/second.safetensors" in refusal(f"hf://{REPO}")


def test_nobody_who_listens_is_said(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached; check the network" in refusal(f"hf://{REPO}")


def test_files_come_from_another_host_without_the_token(hub):
    """As large files of the Hub do."""
    with serve() as store:
        store.repos = hub.repos
        hub.faults = {"head": store.url.replace("127.0.0.1", "localhost")} | {"body": store.url.replace("127.0.0.1", "localhost")}
        assert load(f"hf://{REPO}", "cpu").name == "tiny"
        assert {token for _, _, token in hub.seen} == {"Bearer hf_test"}
        assert store.paths("GET") and {token for _, _, token in store.seen} == {None}


def test_a_manifest_is_compared_where_the_listing_has_no_checksums(hub, weights_file):
    weights = weights_file.read_bytes()
    hub.with_sha256 = False
    other = {"format": "vp-manifest", "files": {"tiny.safetensors": {"size": len(weights), "sha256": "0" * 64}}}
    files = hub.repos[f"models/{REPO}"]
    files["manifest.json"] = json.dumps(other).encode()
    assert "has not the SHA-256" in refusal(f"hf://{REPO}")
    other["files"]["tiny.safetensors"]["sha256"] = hashlib.sha256(weights).hexdigest()
    files["manifest.json"] = json.dumps(other).encode()
    assert load(f"hf://{REPO}", "cpu").name == "tiny"


def test_a_cached_copy_that_was_changed_is_thrown_away(hub, tmp_path):
    load(f"hf://{REPO}", "cpu")
    (path,) = (tmp_path / "hf").rglob("*.safetensors")
    content = path.read_bytes()
    path.resolve().write_bytes(content[:-1] + b"\x01")
    assert "the copy in the cache is damaged" in refusal(f"hf://{REPO}")
    load(f"hf://{REPO}", "cpu")
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["model.bin", "model.pt", "model.ckpt", "sub/model.PTH", "x.pkl"])
def test_pickles_are_refused_before_anybody_is_asked(hub, name):
    hub.repos[f"models/{REPO}"][name] = b"\x80\x04."
    assert "is a pickle, which could run any code" in refusal(f"hf://{REPO}/{name}")
    assert not hub.seen


def test_what_only_looks_like_weights_is_never_built(hub):
    hub.repos[f"models/{REPO}"]["tiny.safetensors"] = b"\x80\x04\x95 a pickle of that name"
    assert "is damaged or is not a vp checkpoint" in refusal(f"hf://{REPO}")


def test_a_file_that_is_too_large_is_not_fetched(hub, monkeypatch):
    monkeypatch.setattr("vp.prediction.model.FILE_LIMIT", 1000)
    assert "and 1000 at most are loaded" in refusal(f"hf://{REPO}")
    assert not [path for path in hub.paths("GET") if "/resolve/" in path]


def test_addresses():
    assert parse_address("hf://ann/tiny") == parse_address("ann/tiny") == parse_address("hf:/ann/tiny") == Address("ann/tiny")
    whole = "hf://ann/tiny/sub/a.safetensors@refs/pr/1"
    assert parse_address(whole) == Address("ann/tiny", "sub/a.safetensors", "refs/pr/1") and str(parse_address(whole)) == whole


@pytest.mark.parametrize(
    "text",
    ["hf://ann", "hf://", "hf://ann/..", "hf://a/b/../../c.safetensors", "hf://a/b/c.txt", "hf://a/b@", "hf://a/b@..", "x y/z"],
)
def test_what_is_no_address(text):
    with pytest.raises(ValueError, match="is no address on the Hub; give hf://owner/repo"):
        parse_address(text)


def test_the_whole_has_a_deadline(hub, monkeypatch):
    monkeypatch.setenv("VP_HUB_SECONDS", "0.05")
    assert "did not end within 0.05 s; try again later, or set VP_HUB_SECONDS to wait longer" in refusal(f"hf://{REPO}")


def test_deadlines_are_numbers(monkeypatch):
    monkeypatch.setenv("VP_HUB_SECONDS", "soon")
    with pytest.raises(ValueError, match="VP_HUB_SECONDS is 'soon'; give a positive number of seconds"):
        load("hf://ann/tiny")
