"""How the page looks: a calm theme of local fonts, and the CSS of everything around the player."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from vp.lessons.page import CSS as LESSON_CSS
from vp.result import player

TEAL = gr.themes.Color(
    c50="#eef8fa", c100="#d5eef2", c200="#aadde6", c300="#7cccd9", c400="#5cc4d6", c500="#1b8ca1", c600="#0f6f83",
    c700="#0d5b6c", c800="#0b4754", c900="#08343e", c950="#05222a", name="teal",
)  # fmt: skip
STONE = gr.themes.Color(
    c50="#faf9f6", c100="#f4f2ec", c200="#dedacf", c300="#c3bfb3", c400="#a6adbb", c500="#6b7383", c600="#5a6272",
    c700="#2d3440", c800="#171b23", c900="#12161d", c950="#10131a", name="stone",
)  # fmt: skip

THEME = gr.themes.Base(
    primary_hue=TEAL,
    secondary_hue=TEAL,
    neutral_hue=STONE,
    radius_size=gr.themes.sizes.radius_md,
    font=["ui-sans-serif", "system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    body_background_fill="#f4f2ec",
    body_background_fill_dark="#10131a",
    body_text_color="#1b2130",
    body_text_color_dark="#eceae4",
    body_text_color_subdued="#5a6272",
    body_text_color_subdued_dark="#a6adbb",
    block_background_fill="#ffffff",
    block_background_fill_dark="#171b23",
    block_border_color="#dedacf",
    block_border_color_dark="#2d3440",
    block_shadow="none",
    block_info_text_color="#5a6272",
    block_info_text_color_dark="#a6adbb",
    block_label_text_color="#1b2130",
    block_label_text_color_dark="#eceae4",
    block_title_text_color="#1b2130",
    block_title_text_color_dark="#eceae4",
    block_title_text_weight="600",
    button_primary_background_fill="#0f6f83",
    button_primary_background_fill_hover="#0d5b6c",
    button_primary_background_fill_dark="#5cc4d6",
    button_primary_background_fill_hover_dark="#7cccd9",
    button_primary_text_color="#ffffff",
    button_primary_text_color_dark="#10131a",
    button_secondary_background_fill="#ffffff",
    button_secondary_background_fill_hover="#eef8fa",
    button_secondary_background_fill_dark="#171b23",
    button_secondary_background_fill_hover_dark="#2d3440",
    button_secondary_border_color="#c3bfb3",
    button_secondary_border_color_dark="#2d3440",
    button_border_width="1px",
    checkbox_label_background_fill="#f4f2ec",
    checkbox_label_background_fill_dark="#10131a",
    slider_color="#0f6f83",
    slider_color_dark="#5cc4d6",
)

OWN_CSS = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("page.css", "inside.css")]
CSS = "\n".join([player.CSS, LESSON_CSS, *OWN_CSS])
