"""The playground as a web page: python app.py [--device auto|cpu|cuda]. A Space runs this file as it is."""

import sys

from vp.core.boundary import end_on_interrupt, run_guarded

PROGRAM = "python app.py"


def main() -> None:
    """Serves the page until it is stopped."""
    import argparse

    from vp.ui import limits

    address = "Gradio reads address and port from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."
    parser = argparse.ArgumentParser(prog=PROGRAM, description=f"{__doc__} {address}")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run")
    limits.add_flags(parser)
    args = parser.parse_args()
    allowed = limits.from_flags(args)

    from vp.ui.server_folder import server_folder

    server_folder()  # before Gradio is loaded, which then keeps all its files there
    from vp.ui.app import build, launch_options

    build(args.device, limits=allowed).launch(**launch_options(allowed))


if __name__ == "__main__":
    end_on_interrupt(PROGRAM)
    sys.exit(run_guarded(PROGRAM, main, sys.argv[1:]))
