"""A stand-in for a model's server: real HTTP on loopback as OpenAI speaks it, and any fault on request."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 31, "completion_tokens": 7, "total_tokens": 38}
CACHED = {"prompt_tokens_details": {"cached_tokens": 20}}


class StandInServer:
    """Answers both ways of asking; `faults` are used up before `text` is given.

    Attributes:
        text: The answer; a function of the request's body, or text.
        faults: What to do instead, in order: a status to answer with, or a function of the handler.
        always: The fault of every further request; None: none.
        bodies: The bodies of all requests, oldest first.
        headers: Their headers.
    """

    def __init__(self, text="go(door)", *, faults=(), always=None, message=None, finish="stop") -> None:
        self.text, self.faults, self.always = text, list(faults), always
        self.message, self.finish = message, finish
        self.bodies, self.headers = [], []
        self.stopping = threading.Event()

    def __enter__(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections are kept, as servers do

            def do_POST(self):
                stand_in.answer(self)

            def log_message(self, *arguments):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def answer(self, handler) -> None:
        self.serve(handler, self.faults.pop(0) if self.faults else self.always)

    def serve(self, handler, fault) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.bodies.append(body)
        self.headers.append(dict(handler.headers))
        with contextlib.suppress(ConnectionError):
            if callable(fault):
                fault(self, handler)
            elif fault is not None:
                key = handler.headers.get("Authorization")
                send(handler, json.dumps({"error": {"message": f"no, {key}", "code": fault}}), status=fault)
            else:
                send(handler, json.dumps(self.document(handler.path, body)))

    def document(self, path, body, message=None):
        text = self.text(body) if callable(self.text) else self.text
        choice = {"index": 0, "finish_reason": self.finish, "logprobs": None}
        if path.endswith("/chat/completions"):
            choice["message"] = {"role": "assistant", "content": text, **(message or self.message or {})}
        else:
            choice["text"] = text
        kind = "chat.completion" if "message" in choice else "text_completion"
        usage = {**USAGE, **CACHED} if "message" in choice else USAGE
        return {
            "id": "1",
            "object": kind,
            "created": 0,
            "model": body["model"],
            "choices": [choice],
            "usage": usage,
        }


def send(handler, text, *, status=200, length=None, headers=()) -> None:
    data = text.encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data) if length is None else length))
    for name, value in headers:
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


# Faults


def hangs(server, handler) -> None:
    """Never answers."""
    server.stopping.wait(30)
    handler.close_connection = True


def dribbles(server, handler) -> None:
    """Sends a byte now and then, so that it is never silent for long."""
    send(handler, "", length=10_000)
    for _ in range(600):
        if server.stopping.is_set():
            break
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)
    handler.close_connection = True


def closes_in_the_middle(server, handler) -> None:
    """Promises a body and breaks off."""
    send(handler, '{"id": "1", "choi', length=4_000)
    handler.close_connection = True


def asks_for_patience(seconds):
    """A fault: too many requests, try again after so many seconds."""

    def fault(server, handler) -> None:
        send(handler, "{}", status=429, headers=[("Retry-After", str(seconds))])

    return fault


def closes_at_once(server, handler) -> None:
    """Ends the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


def sends_no_json(server, handler) -> None:
    """Sends a page for people."""
    send(handler, "<html>Bad gateway</html>")


def sends_wrong_types(server, handler) -> None:
    """Sends JSON in which nothing has the type it should have."""
    send(handler, json.dumps({"id": 3, "choices": "none", "usage": [], "model": None}))


def sends_no_choice(server, handler) -> None:
    """Sends an answer without choices."""
    send(handler, json.dumps({"id": "1", "object": "x", "created": 0, "model": "m", "choices": []}))


def sends_null(server, handler) -> None:
    """Sends null."""
    send(handler, "null")
