"""Every promise of docs/security.md names a test or a benchmark that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def named_tests() -> list[tuple[str, str]]:
    """(file, test or "") of everything that the page names; a file of which only the name is given was named before."""
    found, file, paths = [], "", {}
    for token in re.findall(r"`([\w/.]*(?:\.py)?(?:::\w+)?)`", TEXT):
        path, _, test = token.partition("::")
        if path.endswith(".py") and ("/" in path or path in paths):
            file = path if "/" in path else paths[path]
            paths[Path(file).name] = file
        if test or path.endswith(".py"):
            found.append((file, test))
    return found


def test_every_test_and_benchmark_that_it_names_is_there():
    named = named_tests()
    assert len(named) > 25 and sum(bool(test) for _, test in named) > 20
    for file, test in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {test}" in source if test else source, (file, test)
    for name in re.findall(r"python -m (benchmarks\.\w+)", TEXT):
        assert (ROOT / f"{name.replace('.', '/')}.py").is_file()


def test_it_is_short_and_every_promise_has_one():
    lines = TEXT.splitlines()
    begin, end = lines.index("## What is promised, and how it is tested"), lines.index("## What is not promised")
    promises = [line for line in lines[begin:end] if line.startswith("- ")]
    assert len(lines) < 80 and len(promises) > 15
    assert all("test_" in line or "python -m benchmarks." in line for line in promises)
