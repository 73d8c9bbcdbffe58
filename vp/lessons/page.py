"""Lessons as single HTML files that need no network: text, results with their player, and quiz."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vp.result import player
from vp.result.html_page import embedded_record, player_page, to_script
from vp.result.result import Result

from .lesson import Lesson

HERE = Path(__file__).parent
CSS = (HERE / "lesson.css").read_text(encoding="utf-8")
JS = (HERE / "lesson.js").read_text(encoding="utf-8")
# what the app has from Gradio
TEXT_CSS = """body { font-family: system-ui, sans-serif; }
body.dark { --body-text-color: #eceae4; --body-text-color-subdued: #a6adbb; --border-color-primary: #2d3440; }
"""
BODY = f"""<main>
<section class="vp-lesson" id="lesson"></section>
<div id="player">{player.HTML}</div>
</main>"""
SHOW_JS = """
const props = { value: results[0], page: false };
let reload = () => {};
mount(document.getElementById("player"), props, (name, load) => { reload = load; }, () => {});
mountLesson(document.getElementById("lesson"), lesson, (k) => {
  props.value = results[k];
  reload();
  document.getElementById("player").scrollIntoView({ block: "nearest" });
});"""


def render_lesson(lesson: Lesson, results: Sequence[Result]) -> str:
    """The page of a lesson; `results` has one for each step."""
    records = to_script([embedded_record(result) for result in results])
    js = f"{JS}\nconst results = {records}, lesson = {to_script(lesson.record())};{SHOW_JS}"
    return player_page(f"{lesson.title}: a lesson in video prediction", f"{TEXT_CSS}{CSS}", BODY, js)
