"""Loading from the Hub in the app: for one visitor, without the server's account or cache."""

from __future__ import annotations

import pytest

from vp.ui import hub as section
from vp.ui.models import ADAPTED, Models

from .conftest import REPO


@pytest.fixture
def models(tmp_path):
    return Models("cpu", tmp_path / "none")


def test_a_visitor_gets_a_model_of_their_own_and_the_server_keeps_nothing(hub, models, tmp_path):
    first, last = section.offer(models, f" {REPO} ", None)
    assert first["hub_load"]["interactive"] is False and last["hub_load"]["interactive"] is True
    assert "tiny is here. Choose it in the menu" in last["hub_status"]
    name = last["hub_model"]
    assert last["model"]["choices"][-1] == ("From the Hub (tiny)", name) and models.get(name).name == "tiny"
    assert {token for _, _, token in hub.seen} == {None}, "the server's token is not for visitors"
    assert not list((tmp_path / "hf").rglob("*.safetensors"))
    _, again = section.offer(models, REPO, name)
    assert name.removeprefix("adapted:") not in ADAPTED.things and models.get(again["hub_model"]).name == "tiny"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no address on the Hub"),
        ("../etc/passwd", "is no address on the Hub"),
        ("ann/tiny/x.pt", "is a pickle"),
        ("ann/other", "no such repository"),
    ],
)
def test_what_cannot_be_loaded_is_a_sentence(hub, models, text, says):
    *_, last = section.offer(models, text, None)
    assert says in last["hub_status"] and 'data-bad="1"' in last["hub_status"] and "hub_model" not in last
