"""The section with the lessons: texts, results to look at, a quiz."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from vp.lessons.lessons import LESSONS, find_lesson
from vp.lessons.page import JS as LESSON_JS

from . import jobs
from .choices import ANSWERED_JS, CHOSEN, Visit
from .controls import SHOWN, control_updates
from .handlers import Handlers, picker_value
from .options import ELSEWHERE
from .page import CHANGED, PRIVATE, QUIET, Updates
from .settings import Settings, default_settings
from .shipped import lesson_result_name, shipped_value
from .status import status

HTML = '<div class="vp-lesson" role="region" aria-label="Lesson"></div>'
JS = f"""{LESSON_JS}
const mark = (id) => {{
  for (const marked of document.querySelectorAll(".vp-marked")) marked.classList.remove("vp-marked");
  const control = id && document.getElementById(id);
  if (control) control.classList.add("vp-marked");
}};
const render = () => {{
  const lesson = props.value;
  if (!lesson) return;
  mountLesson(element.querySelector(".vp-lesson"), lesson, (step) => {{
    mark(lesson.steps[step].control);
    trigger("show", {{ lesson: lesson.name, step }});
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    document.querySelector("#player").scrollIntoView({{ block: "nearest", behavior }});
  }});
}};
render();
watch("value", render);
"""


class LessonView(gr.HTML):
    """A lesson, as `lesson_value` gives it; event `show` carries {"lesson": name, "step": index}."""

    def __init__(self, value: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(value, html_template=HTML, js_on_load=JS, apply_default_css=False, **kwargs)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def lesson_value(name: str) -> dict[str, Any]:
    """The lesson of a name for the browser, with the control that each step is about; ValueError where there is none."""
    lesson = find_lesson(name)
    steps = [shown | {"control": step.control} for shown, step in zip(lesson.record()["steps"], lesson.steps)]
    return lesson.record() | {"steps": steps}


def build() -> dict[str, Any]:
    """Builds the section's widgets, folded; returns them by name."""
    made: dict[str, Any] = {}
    with gr.Accordion("Lessons", open=False, elem_id="lessons"):
        choices = [(lesson.title, lesson.name) for lesson in LESSONS]
        made["lesson"] = gr.Radio(choices, value=choices[0][1], show_label=False, container=False, elem_id="lesson")
        made["lesson_view"] = LessonView(lesson_value(choices[0][1]), elem_id="lesson-view")
    return made


def wire(page: Any, do: Handlers, cancel: dict[str, Any]) -> None:
    """Connects the choice of a lesson and its buttons; `cancel` takes what waits from the queue."""

    def show(event: gr.EventData, job: str | None, visit: Visit) -> Updates:
        return show_step(do, str(event._data["lesson"]), int(event._data["step"]), job, visit)

    page["lesson"].change(lambda name: {page["lesson_view"]: lesson_value(name)}, page["lesson"], [page["lesson_view"]], **QUIET)
    page["lesson_view"].show(**cancel)
    changes = [*SHOWN, "clip", "player", "picker", "seed", *CHANGED]
    shown = page["lesson_view"].show(**page.event(show, changes, ["job", "visit"]), trigger_mode="always_last", **QUIET)
    shown.then(None, page.select(CHOSEN), None, js=ANSWERED_JS, **PRIVATE)


def show_step(do: Handlers, name: str, index: int, job: str | None, visit: Visit) -> Updates:
    """The finished result of a lesson's step, with the page's settings as they made it.

    Args:
        do: the page's handlers.
        name: of the lesson.
        index: of the step.
        job: the running prediction, which ends.
        visit: brought up to date.

    Raises:
        ValueError: there is no such step.
    """
    lesson = find_lesson(name)
    if not 0 <= index < len(lesson.steps):
        raise ValueError(f"there is no step {index + 1} in this lesson; it has {len(lesson.steps)}")
    step, result = lesson.steps[index], lesson_result_name(name, index)
    jobs.end_job(job)
    said = "From the lesson: scrub, or change a setting and press Generate."
    looks: Updates = {**CHANGED, "player": shipped_value(result), "result": result}
    if step.model not in do.models.cards:
        return {**looks, "status": status(f"From the lesson. Its model, {step.model}, is not among the models here.")}
    settings = with_options(replace(default_settings(do.models, step.model, step.clip), n=step.n), step.options)
    chosen = control_updates(do.models.get(step.model), settings) | {"clip": step.clip, "picker": picker_value(step.clip)}
    visit.at, visit.by_hand = settings, True
    return {**looks, **chosen, "seed": settings.seed, "status": status(said)}


def with_options(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """The settings with sampling options of the model, for some of which the page has widgets of their own."""
    own = {name: value for name, value in options.items() if name in ELSEWHERE}
    others = {name: value for name, value in options.items() if name not in own}
    return replace(settings, options={**settings.options, **others}, **own)
