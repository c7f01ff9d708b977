"""Owns the endpoint of the OpenAI kind that stands in for a writer: what is tested here is how text reaches clients, not
what a model writes. It answers every question with the same sentence, or with the smallest JSON that the schema allows.
"""

import http.server
import json
import threading
from typing import Any

HOST = "127.0.0.1"
SENTENCE = "Somebody reads of the best of times over scenes of a street."


class Writer(http.server.ThreadingHTTPServer):
    """Listens on loopback until the program ends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Its base URL."""
        return f"http://{HOST}:{self.server_port}/v1"


class Handler(http.server.BaseHTTPRequestHandler):
    """One question."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        schema = asked.get("response_format", {}).get("json_schema", {}).get("schema")
        text = SENTENCE if schema is None else json.dumps(smallest(schema))
        middle = len(text) // 2
        events: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": part}}]} for part in (text[:middle], text[middle:])
        ]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        events.append({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 12}})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in [*map(json.dumps, events), "[DONE]"]:
            self.wfile.write(f"data: {event}\n\n".encode())

    def log_message(self, *_: object) -> None:
        """Says nothing about requests."""


def smallest(schema: dict[str, Any]) -> Any:
    """The smallest value that a schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: smallest(schema["properties"][name]) for name in schema.get("required", [])}
        case "array":
            return [smallest(schema["items"])] * max(1, schema.get("minItems", 0))
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return True
        case _:
            return SENTENCE[: schema.get("maxLength", len(SENTENCE))].strip()
