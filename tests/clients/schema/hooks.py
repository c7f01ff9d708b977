"""Real data for schemathesis: where it made up an id, mostly the id of something that is there.

Reading asks for what the world has; what changes or deletes things gets things that were made for that.
"""

import json
import os
import pathlib
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import schemathesis

WORLD = json.loads(pathlib.Path(os.environ["TELECINE_WORLD"]).read_text())
ID = re.compile(r"[0-9a-f]{24}")
LIMIT_S = 60
MODELS = [{"model_name": "marengo2.7", "model_options": ["visual", "audio"]}]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(method: str, path: str, body: object = None) -> Any:
    """One request of the server; its JSON."""
    request = urllib.request.Request(f"{WORLD['url']}/v1.3{path}", method=method)
    request.add_header("x-api-key", WORLD["key"])
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    with OPENER.open(request, timeout=LIMIT_S) as response:
        return json.loads(response.read() or b"null")


class Things:
    """What there is, and what is made when it is asked for. Each is made once, unless it is for deleting."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        self.count = 0

    def once(self, kind: str, make: Callable[[], str]) -> str:
        """The one of this kind."""
        if kind not in self.made:
            self.made[kind] = make()
        return self.made[kind]

    def name(self) -> str:
        """A name that nothing has."""
        self.count += 1
        return f"schema {os.getpid()} {self.count}"

    def index(self) -> str:
        """A new index."""
        return ask("POST", "/indexes", {"index_name": self.name(), "models": MODELS})["_id"]

    def own_index(self) -> str:
        """An index that may be changed."""
        return self.once("index", self.index)

    def task(self, name: str) -> str:
        """A new task that is done."""
        wanted = {"index_id": self.own_index(), "video_url": f"{WORLD['links']}/{name}"}
        task = ask("POST", "/tasks", wanted)["_id"]
        deadline = time.monotonic() + LIMIT_S
        while ask("GET", f"/tasks/{task}")["status"] not in ("ready", "failed") and time.monotonic() < deadline:
            time.sleep(0.1)
        return task

    def video(self) -> str:
        """A video in the index that may be changed."""
        return ask("GET", f"/tasks/{self.task('captioned.mp4')}")["video_id"]

    def integration(self) -> str:
        """An integration that may be changed."""
        wanted = {"bucket": f"schema-{os.getpid()}-{self.count}", "account_id": "123456789012"}
        self.count += 1
        return ask("POST", "/integrations", wanted)["_id"]

    def asset(self) -> str:
        """A new asset."""
        return ask("POST", "/assets", {"method": "url", "url": f"{WORLD['links']}/short.mp4"})["_id"]

    def transfer(self) -> str:
        """A transfer of the bucket."""
        ask("POST", f"/tasks/transfers/import/{WORLD['integration']}", {"index_id": self.index()})
        return first("/transfers")()

    def embedding(self) -> str:
        """A new task of embeddings."""
        wanted = {"model_name": "marengo3.0", "video_url": f"{WORLD['links']}/short.mp4"}
        return ask("POST", "/embed/tasks", wanted)["_id"]

    def analysis(self) -> str:
        """A new task of analysis."""
        wanted = {"video": {"type": "asset_id", "asset_id": WORLD["films"]["asset"]}, "prompt": "What is said?"}
        return ask("POST", "/analyze/tasks", wanted)["task_id"]

    def token(self) -> str:
        """A page of a search."""
        wanted = {"index_id": WORLD["films"]["index"], "search_options": ["visual"], "query_text": "a film"}
        return ask("POST", "/search", {**wanted, "page_limit": 1})["page_info"]["next_page_token"]


THINGS = Things()
FILMS, SPEECH = WORLD["films"]["index"], WORLD["films"]["videos"]["speech.mp4"]


def first(path: str) -> Callable[[], str]:
    """The first of a list."""
    return lambda: ask("GET", path)["data"][0]["_id"]


def synchronization() -> str:
    """A synchronization of the integration."""
    ask("POST", f"/integrations/{WORLD['integration']}/synchronize?wait=true")
    return first(f"/integrations/{WORLD['integration']}/synchronizations")()


#: What is read.
THERE: dict[str, Callable[[], str]] = {
    "index_id": lambda: FILMS,
    "video_id": lambda: SPEECH,
    "task_id": lambda: THINGS.once("task", lambda: THINGS.task("captioned.mp4")),
    "integration_id": lambda: WORLD["integration"],
    "connection_id": lambda: WORLD["integration"],
    "asset_id": lambda: WORLD["films"]["asset"],
    "indexed_asset_id": lambda: SPEECH,
    "transfer_id": lambda: THINGS.once("transfer", THINGS.transfer),
    "token": lambda: THINGS.once("token", THINGS.token),
    "engine_id": lambda: "marengo2.6",
    "synchronization_id": lambda: THINGS.once("synchronization", synchronization),
}
#: What is changed, and there afterwards.
CHANGED: dict[str, Callable[[], str]] = {
    **THERE,
    "index_id": THINGS.own_index,
    "video_id": lambda: THINGS.once("video", THINGS.video),
    "indexed_asset_id": lambda: THINGS.once("video", THINGS.video),
    "integration_id": lambda: THINGS.once("integration", THINGS.integration),
    "asset_id": lambda: THINGS.once("asset", THINGS.asset),
}
#: What is deleted.
DELETED: dict[str, Callable[[], str]] = {
    **CHANGED,
    "index_id": THINGS.index,
    "video_id": lambda: THINGS.once("video to delete", THINGS.video),
    "task_id": lambda: THINGS.task("small.mp4"),
    "indexed_asset_id": lambda: THINGS.once("video to delete", THINGS.video),
    "integration_id": THINGS.integration,
    "connection_id": THINGS.integration,
    "asset_id": THINGS.asset,
    "key_id": lambda: ask("POST", "/keys", {"name": THINGS.name()})["_id"],
}
#: POSTs that read, or that the integration of the world can bear.
HARMLESS = ("/search", "/verify", "/synchronize", "/probe", "/gist", "/summarize", "/generate", "/analyze", "/embed")


def things_for(method: str, path: str) -> dict[str, Callable[[], str]]:
    """What an operation may have."""
    things = CHANGED
    if method == "DELETE":
        # A video goes from its own index.
        goes_from_an_index = "/videos/" in path or "/indexed-assets/" in path
        things = {**DELETED, "index_id": THINGS.own_index} if goes_from_an_index else DELETED
    elif method == "GET" or any(part in path for part in HARMLESS):
        things = THERE
    for part, make in (("/embed", THINGS.embedding), ("/analyze/tasks", THINGS.analysis)):
        if path.startswith(part):
            kind = f"{part} to delete" if method == "DELETE" else part
            things = {**things, "task_id": lambda kind=kind, make=make: THINGS.once(kind, make)}
    return things


def give(values: Any, things: dict[str, Callable[[], str]]) -> None:
    """Puts real ids where ids stand."""
    if not isinstance(values, dict):
        return
    for name, value in values.items():
        if name in things and isinstance(value, str) and (ID.fullmatch(value) or len(value) % 4):
            values[name] = things[name]()
        elif name == "ids" and "key_id" in things:
            # Schemathesis learns from answers which ids there are.
            values[name] = [THINGS.integration()] if isinstance(value, list) else THINGS.integration()


#: What makes a body pass the first checks, so that its other fields are looked at: every second body has it.
VALID: dict[str, Callable[[], dict[str, Any]]] = {
    "/search": lambda: {"index_id": FILMS, "search_options": ["visual"], "query_text": "a film"},
    "/search-v2": lambda: {"index_id": FILMS, "search_options": ["visual"], "query_text": "a film"},
    "/indexes": lambda: {"index_name": THINGS.name(), "models": MODELS},
    "/tasks": lambda: {"index_id": THINGS.own_index(), "video_url": f"{WORLD['links']}/small.mp4"},
    "/integrations": lambda: {"bucket": "harbour-films", "account_id": "123456789012"},
    "/assets": lambda: {"method": "url", "url": f"{WORLD['links']}/short.mp4"},
    "/embed": lambda: {"model_name": "marengo3.0", "text": "a film"},
    "/embed/tasks": lambda: {"model_name": "marengo3.0", "video_url": f"{WORLD['links']}/short.mp4"},
    "/embed-v2": lambda: {"model_name": "marengo3.0", "input_type": "text", "text": {"input_text": "a film"}},
    "/gist": lambda: {"video_id": SPEECH, "types": ["title"]},
    "/summarize": lambda: {"video_id": SPEECH, "type": "summary"},
    "/generate": lambda: {"video_id": SPEECH, "prompt": "What is said?", "stream": False},
    "/analyze": lambda: {"video_id": SPEECH, "prompt": "What is said?", "stream": False},
    "/tasks/transfers/import/{integration_id}": lambda: {"index_id": THINGS.own_index()},
}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Before each request."""
    things = things_for(case.method.upper(), case.operation.path)
    for values in (case.path_parameters, case.query, case.body):
        give(values, things)
    if case.method.upper() == "POST" and case.operation.path in VALID and isinstance(case.body, dict):
        THINGS.count += 1
        if THINGS.count % 2:
            case.body.update(VALID[case.operation.path]())
