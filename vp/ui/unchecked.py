"""Gradio's inputs without its checks: what they hold is checked once, in words, by what reads it (`Settings`, `Wishes`).

Gradio answers a number that was emptied, or a choice that another model has just taken away, with a message of its own.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


class Slider(gr.Slider):
    """A slider whose number field may hold anything."""

    def preprocess(self, payload: Any) -> Any:
        return payload


class Radio(gr.Radio):
    """Radio buttons that may still say what is no longer offered."""

    def preprocess(self, payload: Any) -> Any:
        return payload


class Dropdown(gr.Dropdown):
    """A menu that may still say what is no longer offered."""

    def preprocess(self, payload: Any) -> Any:
        return payload
