"""A slow endpoint on loopback, in a process of its own: so many slots, so many seconds for each call.

    python -m benchmarks.slow_endpoint SLOTS SECONDS

A stand-in for a model's server: it answers a completion with the first call of the grammar that it is given.
It prints its address, and serves until standard input ends. `GET /busy` gives how long its slots were busy
since the last time, as JSON.
"""

import json
import re
import sys
import threading
import time
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FIRST_RULE = re.compile(r'"((?:take|open|go_to)\()" (\w+) "\)"')


@dataclass
class Busy:
    """What the slots did.

    Attributes:
        calls: Calls answered.
        busy_s: Seconds that slots were taken, all slots together.
        span_s: Seconds from the first call in a slot to the end of the last.
    """

    calls: int = 0
    busy_s: float = 0.0
    span_s: float = 0.0


class Slots:
    """The slots of the endpoint.

    Args:
        n: Number of slots.
        seconds: How long a call takes in its slot.
    """

    def __init__(self, n: int, seconds: float) -> None:
        self._free, self._seconds = threading.Semaphore(n), seconds
        self._lock, self._busy, self._began_s = threading.Lock(), Busy(), 0.0

    def serve(self) -> None:
        """Wait for a slot, and take it for the time of a call."""
        with self._free:
            began_s = time.monotonic()
            with self._lock:
                self._began_s = self._began_s or began_s
            time.sleep(self._seconds)
            ended_s = time.monotonic()
            with self._lock:
                self._busy.calls += 1
                self._busy.busy_s += ended_s - began_s
                self._busy.span_s = ended_s - self._began_s

    def taken(self) -> Busy:
        """What was done since the last time this was asked."""
        with self._lock:
            found, self._busy, self._began_s = self._busy, Busy(), 0.0
        return found


class Server(ThreadingHTTPServer):
    """Answers completions as OpenAI's protocol has them."""

    daemon_threads = True
    request_queue_size = 256  # all episodes connect at once

    def __init__(self, slots: Slots) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.slots = slots


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server

    def do_GET(self) -> None:
        """Say how busy the slots were."""
        self._send(asdict(self.server.slots.taken()))

    def do_POST(self) -> None:
        """Answer a completion, after a slot was free."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.slots.serve()
        choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "text": first_call(body["grammar"])}
        usage = {"prompt_tokens": 200, "completion_tokens": 8, "total_tokens": 208}
        said = {"id": "1", "object": "text_completion", "created": 0, "model": body["model"]}
        self._send({**said, "choices": [choice], "usage": usage})

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _send(self, said: object) -> None:
        data = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def first_call(grammar: str) -> str:
    """The last skill of a grammar with its first value: in the room of keys, one key after another."""
    *_, (opening, rule) = FIRST_RULE.findall(grammar)
    values = re.search(rf'^{rule} ::= "([^"]*)"', grammar, re.MULTILINE)
    return f"{opening}{values[1] if values else ''})"


def main() -> None:
    """Serve until standard input ends."""
    server = Server(Slots(int(sys.argv[1]), float(sys.argv[2])))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
