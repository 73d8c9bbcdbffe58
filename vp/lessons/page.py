"""Lessons as single HTML files that need no network: text, results with their player, and quiz."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

from vp.result import player
from vp.result.result import Result

from .lesson import Lesson

HERE = Path(__file__).parent
CSS = (HERE / "lesson.css").read_text(encoding="utf-8")
JS = (HERE / "lesson.js").read_text(encoding="utf-8")

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="vp">
<title>{title}</title>
<style>
html {{ background: #f4f2ec; }}
body {{ max-width: 1180px; margin: 0 auto; padding: clamp(8px, 2vw, 28px); font-family: system-ui, sans-serif; }}
body.dark {{ --body-text-color: #eceae4; --body-text-color-subdued: #a6adbb; --border-color-primary: #2d3440; }}
html:has(body.dark) {{ background: #10131a; color-scheme: dark; }}
{css}
</style>
</head>
<body>
<main>
<section class="vp-lesson" id="lesson"></section>
<div id="player">{markup}</div>
</main>
<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.body.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();
{js}
const results = {results}, props = {{ value: results[0], page: false }};
let reload = () => {{}};
mount(document.getElementById("player"), props, (name, load) => {{ reload = load; }}, () => {{}});
mountLesson(document.getElementById("lesson"), {lesson}, (k) => {{
  props.value = results[k];
  reload();
  document.getElementById("player").scrollIntoView({{ block: "nearest" }});
}});
</script>
</body>
</html>
"""


def render_lesson(lesson: Lesson, results: Sequence[Result]) -> str:
    """The page of a lesson; `results` has one for each step."""
    return PAGE.format(
        title=html.escape(f"{lesson.title}: a lesson in video prediction"),
        css=f"{player.CSS}\n{CSS}",
        markup=player.HTML,
        js=f"{player.JS}\n{JS}",
        results=to_script([embedded_record(result) for result in results]),
        lesson=to_script(lesson.record()),
    )


def embedded_record(result: Result) -> dict:
    """The record of a result with its sprite sheets as data URLs."""
    kind, pictures = result.pictures()
    sheets = [{"url": f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"} for data in pictures]
    return result.record() | {"sheets": sheets}


def to_script(value: object) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")
