"""Owns the world in which the clients are tested, and ends it again: a customer's bucket on ministack, a web server for
direct links, a telecine server with an active integration and an index with two videos, a proxy that fails on demand, and a stand-in
for a model that writes.

Clients get to know it by a JSON file, whose name is in TELECINE_WORLD.
"""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import aws_accounts
import proxy
import testservers
import writer

BUCKET = "harbour-films"
# What lies in the bucket: short ones, for every version imports them. samples.sh makes them.
OBJECTS = ("captioned.mp4", "captioned.srt", "silent.mp4", "small.mp4")
# What lies in the index that all versions share.
FILMS = ("trailer.mp4", "speech.mp4")
SEED_LIMIT_S = 300


class Telecine(testservers.Server):
    """The server under test, with the key of its first start."""

    name = "telecine"

    def __init__(self, folder: pathlib.Path, accounts: aws_accounts.Accounts, link_host: str, writer_url: str) -> None:
        super().__init__(folder)
        self.accounts = accounts
        self.link_host = link_host
        self.writer_url = writer_url
        self.key_file = self.folder / "admin-key"

    def command(self) -> list[str]:
        return [
            *(os.environ["TELECINE_BIN"], "serve", "--listen", f"{testservers.HOST}:{self.port}"),
            *("--data-dir", str(self.folder / "data"), "--admin-key-file", str(self.key_file)),
            *("--aws-endpoint-url", self.accounts["endpoint"], "--set", f"urls.allow_private_hosts={self.link_host}"),
            *("--set", "writer.kind=openai", "--set", "writer.model=stand-in"),
            *("--set", f"writer.endpoint_url={self.writer_url}"),
        ]

    def environment(self) -> dict[str, str]:
        platform = self.accounts["platform"]
        return {
            "AWS_ACCESS_KEY_ID": platform["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": platform["secret_access_key"],
            "AWS_REGION": self.accounts["region"],
            # No metadata service is asked for what the environment does not say.
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def is_ready(self) -> bool:
        return testservers.status(self.endpoint + "/readyz") == 200

    @property
    def key(self) -> str:
        """The admin key."""
        return self.key_file.read_text().strip()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request with a JSON body."""
        request = urllib.request.Request(self.endpoint + path, method=method)
        request.add_header("x-api-key", self.key)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        with testservers.HTTP.open(request, timeout=60) as response:
            return json.load(response)


class Links(http.server.ThreadingHTTPServer):
    """Serves a folder over plain HTTP, as someone's web server does."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__((testservers.HOST, 0), functools.partial(QuietHandler, directory=str(folder)))
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """A client that has seen enough may hang up."""

    @property
    def host(self) -> str:
        """Host and port."""
        return f"{testservers.HOST}:{self.server_port}"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Says nothing about requests."""

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running(folder: pathlib.Path) -> Iterator[Telecine]:
    """The server in its world, which `folder/world.json` tells; all ended when the block is left."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = make_samples(folder / "samples")
    links = Links(samples)
    with testservers.Ministack(folder) as ministack:
        accounts = aws_accounts.create(ministack.endpoint, BUCKET)
        make_bucket(accounts, samples)
        with Telecine(folder, accounts, links.host, writer.Writer().endpoint) as telecine:
            locks = folder / "locks"
            locks.mkdir()
            world = {
                "url": telecine.endpoint,
                "key": telecine.key,
                "proxy": proxy.Proxy(telecine.endpoint).endpoint,
                "bucket": BUCKET,
                "integration": connect(telecine, accounts),
                "links": f"http://{links.host}",
                "samples": str(samples),
                "locks": str(locks),
                "snippet_python": sys.executable,
                "films": seed(telecine, f"http://{links.host}"),
            }
            (folder / "world.json").write_text(json.dumps(world, indent=2))
            yield telecine


def make_samples(folder: pathlib.Path) -> pathlib.Path:
    """The demo's files, two short pieces of the reading, and a picture of each film."""
    subprocess.run([ROOT / "scripts" / "samples.sh", folder], check=True)
    quiet = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
    for name, start in (("short.mp4", "0"), ("other.mp4", "12")):
        piece = ["-ss", start, "-i", str(folder / "speech.mp4"), "-t", "6", "-c", "copy", str(folder / name)]
        subprocess.run([*quiet, *piece], check=True)
    sound = ["-t", "6", "-vn", "-ac", "1", "-ar", "16000", str(folder / "short.wav")]
    subprocess.run([*quiet, "-i", str(folder / "speech.mp4"), *sound], check=True)
    for name in FILMS:
        picture = folder / name.replace(".mp4", ".jpg")
        subprocess.run([*quiet, "-ss", "20", "-i", str(folder / name), "-frames:v", "1", str(picture)], check=True)
    return folder


def make_bucket(accounts: aws_accounts.Accounts, samples: pathlib.Path) -> None:
    """Puts the objects into the customer's bucket."""
    s3 = aws_accounts.client(accounts, "s3", accounts["customer"])
    for name in OBJECTS:
        s3.upload_file(str(samples / name), BUCKET, name)


def connect(telecine: Telecine, accounts: aws_accounts.Accounts) -> str:
    """Connects the bucket as its owner would: with the documents that Telecine hands out. The integration's id."""
    account_id = accounts["customer"]["account_id"]
    integration = telecine.call("POST", "/integrations", {"bucket": BUCKET, "account_id": account_id})
    policy, trust = (json.dumps(integration[name]) for name in ("policy_document", "trust_document"))
    aws_accounts.apply(accounts, policy, trust)
    verified = telecine.call("POST", f"/integrations/{integration['_id']}/verify")
    if verified["status"] != "active":
        raise SystemExit(f"the integration is not active: {json.dumps(verified['checks'], indent=2)}")
    return str(integration["_id"])


def seed(telecine: Telecine, links: str) -> dict[str, Any]:
    """The index that everybody reads and nobody changes: its id, the ids of its videos by file name, and the asset that
    one of them was before."""
    engines = [
        {"engine_name": "marengo2.6", "engine_options": ["visual", "conversation", "text_in_video"]},
        {"engine_name": "pegasus1.1", "engine_options": ["visual", "conversation"]},
    ]
    wanted = {"index_name": "films", "engines": engines, "addons": ["thumbnail"]}
    index = telecine.call("POST", "/v1.2/indexes", wanted)["_id"]
    trailer, speech = FILMS
    task = telecine.call("POST", "/v1.2/tasks", {"index_id": index, "video_url": f"{links}/{trailer}"})["_id"]
    asset = telecine.call("POST", "/assets", {"method": "url", "url": f"{links}/{speech}", "filename": speech})["_id"]
    ready(telecine, f"/assets/{asset}")
    indexed = telecine.call("POST", f"/indexes/{index}/indexed-assets", {"asset_id": asset})["_id"]
    ready(telecine, f"/indexes/{index}/indexed-assets/{indexed}")
    videos = {trailer: ready(telecine, f"/v1.2/tasks/{task}")["video_id"], speech: indexed}
    return {"index": index, "videos": videos, "asset": asset}


def ready(telecine: Telecine, path: str) -> Any:
    """What is told there, as soon as it is ready."""
    deadline = time.monotonic() + SEED_LIMIT_S
    while True:
        told = telecine.call("GET", path)
        if told["status"] == "ready":
            return told
        if told["status"] == "failed" or time.monotonic() > deadline:
            raise SystemExit(f"{path} is not ready: {json.dumps(told, indent=2)}")
        time.sleep(0.2)
