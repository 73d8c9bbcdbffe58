"""The front matter of a README on the Hub: a few lines of YAML between two lines of dashes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

FENCE = "---"


def write_front_matter(values: Mapping[str, Any]) -> str:
    """The block with its fences. Texts are quoted as JSON, which YAML reads as the same; empty values are left out."""
    lines = [FENCE]
    for name, value in values.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            lines += [f"{name}:", *(f"  - {json.dumps(item)}" for item in value)] if value else []
        elif value not in ("", None):
            lines.append(f"{name}: {json.dumps(value)}")
    return "\n".join([*lines, FENCE, ""])


def read_front_matter(text: str) -> dict[str, Any]:
    """The values of a block that has one `name: value` a line, or below a name its list of `- value`; no other YAML is read.

    Raises:
        ValueError: the text does not begin with such a block.
    """
    first, *lines = text.splitlines() or [""]
    if first != FENCE or FENCE not in lines:
        raise ValueError(f"the README does not begin with front matter between two lines of {FENCE}")
    values: dict[str, Any] = {}
    name = ""
    for line in lines[: lines.index(FENCE)]:
        stripped = line.strip()
        if stripped.startswith("- ") and isinstance(values.get(name), list):
            values[name].append(scalar(stripped[2:]))
        elif ":" in stripped and not line.startswith((" ", "-")):
            name, _, value = (part.strip() for part in stripped.partition(":"))
            values[name] = scalar(value) if value else []
        elif stripped and not stripped.startswith("#"):
            raise ValueError(f"the front matter has the line {line[:80]!r}; give `name: value`, or a list below a name")
    return values


def scalar(text: str) -> Any:
    """The value of a text: true, false and quoted text as JSON reads them, anything else as it stands."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.strip("'")
    return value if isinstance(value, (str, bool)) else text
