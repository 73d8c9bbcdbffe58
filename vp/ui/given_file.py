"""The file that a visitor gives: its name on their machine, and how many came with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vp.core.sentences import clip, one_line

from .status import status, to_sentence

UPLOAD, UPLOADED = "Or upload a video", "upload"
NAMED = 24  # characters of a name, so that its label fits in two lines

# Gradio takes the first of several files without a word, and the path of a file has lost some characters of its name
TAKEN_JS = f"""(file) => {{
  const picked = {{ clip: "{UPLOADED}", turn: (window.vpPicked?.turn ?? 0) + 1 }};
  window.vpPicked = {{ ...picked, file: file?.orig_name ?? "", given: window.vpGiven ?? 1 }};
  return [file, null, String(performance.now())];
}}"""
# notes how many files are given at once; one that is dropped beside the place for it would be opened in place of the page
GIVEN_JS = """() => {
  const place = (event) => event.target.closest?.("#upload");
  addEventListener("change", (event) => { if (place(event)) window.vpGiven = event.target.files?.length; }, true);
  addEventListener("drop", (event) => { if (place(event)) window.vpGiven = event.dataTransfer.files.length; }, true);
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => {
    if (place(event) || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}"""


@dataclass(frozen=True)
class GivenFile:
    """
    Args:
        path: where it lies on the server; "" where it did not come.
        called: its name on the visitor's machine; "" where the browser did not say: the one on the server, which may lack
            some characters.
        count: how many came at once; this is the first of them.
    """

    path: str
    called: str = ""
    count: int = 1

    @property
    def name(self) -> str:
        """Its name in one line of few characters; a long one keeps both its ends."""
        return one_line(clip(self.called or Path(self.path).name, NAMED))

    @property
    def label(self) -> str:
        """What stands above the place for uploads while it is the clip."""
        return f"{self.name}, or upload another video"

    @property
    def note(self) -> str:
        """A sentence and a space where it did not come alone, else ""."""
        return f"One clip at a time is taken: {self.name}, the first of {self.count} files. " if self.count > 1 else ""

    def refuse(self, error: ValueError) -> str:
        """The status line's HTML where it cannot be used; its name in the error's message becomes the visitor's own."""
        path = Path(self.path).name
        said = str(error).replace(path, self.called) if path and self.called else str(error)
        return status(self.note + to_sentence(ValueError(said), [self.called or path]), bad=True)
