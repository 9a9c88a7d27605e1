"""A stand-in for llama-server: it takes the same arguments and answers the same paths, without a model.

STAND_IN says what it does: `serves`, `never ready`, `dies`, `ends later`, `ignores SIGTERM`. What it was
given is written to the folder STAND_IN_FOLDER.
"""

import json
import os
import pathlib
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

MANNER = os.environ.get("STAND_IN", "serves")


def given(flag: str) -> str:
    return sys.argv[sys.argv.index(flag) + 1]


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"{}"
        if self.path == "/v1/models":
            body = json.dumps({"data": [{"id": given("--alias")}]}).encode()
        self.send_response(503 if MANNER == "never ready" else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing: the tests look at the last lines."""


def main() -> None:
    folder = pathlib.Path(os.environ["STAND_IN_FOLDER"])
    settings = {name: value for name, value in os.environ.items() if name.startswith("LLAMA_")}
    record = {"arguments": sys.argv[1:], "pid": os.getpid(), "settings": settings}
    (folder / "given.json").write_text(json.dumps(record), "utf-8")
    print("loading", given("-m"), flush=True)
    if MANNER == "dies":
        sys.exit("error: the model is of an unknown architecture")
    if MANNER == "ignores SIGTERM":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = HTTPServer((given("--host"), int(given("--port"))), Answer)
    if MANNER == "ends later":
        threading.Timer(0.5, lambda: os._exit(7)).start()
    print("listening", flush=True)
    server.serve_forever()


main()
