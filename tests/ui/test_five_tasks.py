"""One of the five tasks of `benchmarks.five_tasks`, the shortest: nothing is computed."""

from benchmarks.five_tasks import LONGEST_S, TASKS, blur


def test_a_lesson_shows_that_squared_error_blurs(app, open_page):
    assert len(TASKS) == 5 and LONGEST_S == 90
    assert "times as steep" in blur(open_page(app))
