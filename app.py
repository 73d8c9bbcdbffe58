"""The playground as a web page: python app.py [--device auto|cpu|cuda]. A Space runs this file as it is."""

import argparse

from vp.ui.app import build, launch_options

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run")
args, _ = parser.parse_known_args()

demo = build(args.device)

if __name__ == "__main__":
    demo.launch(**launch_options())
