"""Starts the app by the README's command and checks that its page is served in time; prints the seconds it took."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

LIMIT_S = 15
PORT = "7899"


def main(command: str) -> int:
    environment = {**os.environ, "GRADIO_SERVER_PORT": PORT, "GRADIO_ANALYTICS_ENABLED": "False"}
    start = time.monotonic()
    app = subprocess.Popen(["bash", "-c", f"exec {command}"], env=environment, start_new_session=True)
    try:
        while time.monotonic() - start < 60:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5) as page:
                    seconds = time.monotonic() - start
                    print(f"page served after {seconds:.1f} s (limit {LIMIT_S} s), status {page.status}", flush=True)
                    return 0 if seconds < LIMIT_S else 1
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        print("the page was not served within 60 s")
        return 1
    finally:
        os.killpg(app.pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
