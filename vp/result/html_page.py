"""HTML pages that need nothing from the network: what all of them have, and results embedded in them."""

from __future__ import annotations

import base64
import html
import json
from typing import Any

from . import player
from .result import Result

GENERATOR = '<meta name="generator" content="vp">'
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{generator}
<title>{title}</title>
<style>
{css}
</style>
</head>
<body>
{body}
</body>
</html>
"""
PLAYER_CSS = """html { background: #f4f2ec; }
html:has(body.dark) { background: #10131a; color-scheme: dark; }
body { max-width: 1180px; margin: 0 auto; padding: clamp(8px, 2vw, 28px); }
"""
FOLLOW_DARK_JS = """const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.body.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();
"""


def html_page(title: str, css: str, body: str) -> str:
    """A page of vp's; `title` is text, `css` and `body` are inserted as they are."""
    return PAGE.format(generator=GENERATOR, title=html.escape(title), css=css, body=body)


def player_page(title: str, css: str, body: str, js: str) -> str:
    """A page with the player, in the colours that its reader prefers; `css` and `js` come after the player's own."""
    script = f"<script>\n{FOLLOW_DARK_JS}{player.JS}\n{js}\n</script>"
    return html_page(title, f"{PLAYER_CSS}{player.CSS}\n{css}", f"{body}\n{script}")


def embedded_record(result: Result) -> dict[str, Any]:
    """The record of a result with its sprite sheets as data URLs."""
    kind, pictures = result.pictures()
    sheets = [{"url": f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"} for data in pictures]
    return result.record() | {"sheets": sheets}


def to_script(value: object) -> str:
    """JSON for a script element, which no text in it can end."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")
