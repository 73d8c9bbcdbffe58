"""`python -m vp`, and what the command `vp` runs."""

import sys

from .core.boundary import end_on_interrupt


def main() -> int:
    """Runs the command line and returns its exit code; Ctrl-C is noticed before the slow libraries are loaded."""
    end_on_interrupt("python -m vp")
    from .cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
