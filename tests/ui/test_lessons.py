"""Lessons, on the page and as offline files."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from vp.cli import main
from vp.lessons.lesson import Question
from vp.lessons.lessons import LESSONS, find_lesson
from vp.lessons.page import render_lesson
from vp.lessons.results import step_result
from vp.result.result import Result
from vp.ui.clips import find_clip
from vp.ui.handlers import find_result
from vp.ui.shipped import lesson_result_name, shipped_files, shipped_value


def test_every_step_has_a_result_of_its_model_clip_and_settings():
    for lesson in LESSONS:
        assert lesson.quiz and lesson.own_clip
        for index, step in enumerate(lesson.steps):
            result = step_result(lesson.name, index)
            assert isinstance(result, Result) and result.model["name"] == step.model
            assert len(result.kind("sample")) == step.n and find_clip(step.clip).frames.shape[0] >= len(result.known)
            assert all(result.options[name] == value for name, value in step.options.items())
            assert find_result(lesson_result_name(lesson.name, index)) is result


def test_thirty_who_press_at_once_get_files_that_were_made_once():
    name = lesson_result_name("blur", 0)
    with ThreadPoolExecutor(30) as class_of_thirty:
        files, shown = (list(class_of_thirty.map(make, [name] * 30)) for make in (shipped_files, shipped_value))
    assert len({path for paths in files for path in paths.values()}) == len(files[0]) > 3
    assert all(path.stat().st_size for path in files[0].values())
    assert len({sheet["path"] for value in shown for sheet in value["sheets"]}) == len(shown[0]["sheets"])


def test_lessons_say_what_is_wrong_with_a_name_or_a_quiz():
    with pytest.raises(ValueError, match="there are blur"):
        find_lesson("nothing")
    with pytest.raises(ValueError, match="index 2"):
        Question("?", ("a", "b"), 2, "")


def test_a_page_needs_no_network(tmp_path, open_page):
    lesson = find_lesson("best-of-n")
    text = render_lesson(lesson, [step_result(lesson.name, index) for index in range(len(lesson.steps))])
    assert not re.search(r'(src|href)="?https?:', text)
    (tmp_path / "lesson.html").write_text(text, encoding="utf-8")
    page = open_page((tmp_path / "lesson.html").as_uri())
    assert "16 futures" in page.inner_text(".vp-meta")
    page.click(".vp-lesson-show >> nth=1")
    page.wait_for_function("() => document.querySelector('.vp-meta').textContent.includes('4 futures')")
    page.locator(".vp-lesson-quiz").first.locator("input").nth(2).check()
    assert page.inner_text(".vp-lesson-score") == "1 of 1 right, so far."
    page.locator(".vp-lesson-quiz").last.locator("input").nth(1).check()
    assert page.inner_text(".vp-lesson-score") == "1 of 2 right."
    assert "Not so." in page.locator(".vp-lesson-quiz").last.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_the_command_writes_a_page_a_lesson(tmp_path, capsys):
    assert main(["lessons", "--out", str(tmp_path / "pages")]) == 0
    assert sorted(path.stem for path in (tmp_path / "pages").iterdir()) == sorted(lesson.name for lesson in LESSONS)


def test_on_the_page_a_step_shows_its_result_which_can_be_saved(app, open_page):
    page = open_page(app)
    page.click("#lessons button.label-wrap")
    page.click("label:has-text('Best of N flatters')")
    page.wait_for_selector(".vp-lesson h3 >> text=Best of N flatters")
    page.click(".vp-lesson-show >> nth=0")
    page.wait_for_function("() => document.querySelector('.vp-meta').textContent.includes('16 futures')")
    assert "From the lesson" in page.inner_text("#status") and page.locator(".vp-marked").count() == 1
    page.wait_for_selector("#save-csv:not([disabled])", timeout=30_000)
    page.locator("#futures input[type=number]").fill("3")  # the page goes on from the lesson's settings
    page.locator("#futures input[type=number]").press("Enter")
    page.click("#picker button[aria-pressed=true]")
    page.wait_for_selector("#status >> text=press Generate", timeout=30_000)
    assert page.locator("#futures input[type=number]").input_value() == "3"
