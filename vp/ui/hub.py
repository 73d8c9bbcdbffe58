"""Loads a model from the Hugging Face Hub for one visitor, as somebody without an account, and keeps no copy of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from vp.hub.address import parse_address
from vp.hub.client import fetch
from vp.prediction.model import Model, load

from .compute_thread import CHECK_THREAD
from .labels import model_menu
from .learning import forget
from .models import ADAPTED, OWN, Models, check_lengths
from .page import STREAMED, Updates
from .status import failed, status
from .visitor_files import session

MOST_BYTES = 200_000_000  # of a file; its weights stay in memory while the visitor is there
QUEUE = {"concurrency_id": "hub", "concurrency_limit": 2}
ABOUT = "A .safetensors file that vp wrote, from a public repository. It is yours alone, and gone when you leave."


def build() -> dict[str, Any]:
    """Builds the section's widgets, folded; returns them by name."""
    made: dict[str, Any] = {"hub_model": gr.State(None, delete_callback=forget)}
    with gr.Accordion("Load a model from the Hub", open=False, elem_id="hub"):
        gr.HTML(f'<p class="vp-learn-about">{ABOUT}</p>')
        hint = "owner/repo[/file.safetensors][@revision]"
        made["hub_address"] = gr.Textbox("", label="Repository", placeholder=hint, max_length=400, elem_id="hub-address")
        made["hub_load"] = gr.Button("Load", size="sm", min_width=90, elem_id="hub-load")
        made["hub_status"] = gr.HTML("", elem_id="hub-status")
    return made


def wire(page: Any, models: Models) -> None:
    """Connects the section's button."""

    def start(text: str, before: str | None) -> Iterator[Updates]:
        yield from offer(models, text, before)

    changes = ["hub_status", "hub_load", "hub_model", "model"]
    page["hub_load"].click(**page.event(start, changes, ["hub_address", "hub_model"]), **QUEUE, **STREAMED)


def offer(models: Models, text: str, before: str | None) -> Iterator[Updates]:
    """Loads a model and puts it into the visitor's menu; yields updates.

    Args:
        text: its address.
        before: the name of the model that was loaded before, which is dropped.
    """
    visitor = session()
    yield {"hub_status": status("Asking the Hub."), "hub_load": gr.update(interactive=False)}
    try:
        model = load_for_visitor(models, text)
    except Exception as error:
        yield {"hub_status": failed(error, "loading from the Hub failed"), "hub_load": gr.update(interactive=True)}
        return
    forget(before)
    name = OWN + ADAPTED.put(model, visitor)
    choices = [*model_menu(models.cards), (f"From the Hub ({model.name})", name)]
    said = status(
        f"{model.name} is here. Choose it in the menu of models. Weights: {model.card.licence or 'licence not stated'}."
    )
    yield {"hub_status": said, "hub_load": gr.update(interactive=True), "hub_model": name, "model": gr.update(choices=choices)}


def load_for_visitor(models: Models, text: str) -> Model:
    """The model at an address, on the device of `models`. Neither the server's cache nor its account is used, so that nothing
    private of its owner can be asked for.

    Raises:
        ValueError: in one sentence.
    """
    address = parse_address(text.strip())
    with TemporaryDirectory() as folder:
        path = fetch(address, MOST_BYTES, anonymous=True, cache=Path(folder)).path
        model = CHECK_THREAD.call(load, path, models.device)
    check_lengths(model.name, model)
    return model
