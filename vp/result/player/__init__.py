"""The player's HTML, CSS and JavaScript texts, shared by the app and the offline page."""

from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = ("words.js", "view.js", "chart.js", "ensemble.js", "facts.js", "zoom.js", "clock.js", "ticks.js", "mount.js")


def read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


HTML = read("player.html")
CSS = read("player.css")
JS = "\n".join(read(name) for name in SCRIPTS)
