#!/usr/bin/env python3
"""Owns the world in which the dashboard is tested: a customer's AWS account on ministack with two buckets, a telecine
server with one of them connected, synchronized and transferred into an index, and a place where the customer carries out
what the dashboard asks for.

    world.py FOLDER                   makes it, writes FOLDER/world.json, stays until Ctrl-C
    world.py FOLDER COMMAND…          … until COMMAND ends, which finds the file's name in TELECINE_WORLD

Environment: TELECINE_BIN, the program of the server. Run it with the project's Python (.venv).
"""

import contextlib
import functools
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "clients")]

import aws_accounts
import testservers
import world as clients

BUCKET = "harbour-films"
# Nobody has connected this one yet.
OTHER_BUCKET = "harbour-archive"
INDEX = "harbour"


class Customer(http.server.ThreadingHTTPServer):
    """Carries out in the customer's account what the dashboard hands out: POST / with `{policy, trust}` as texts."""

    def __init__(self, accounts: aws_accounts.Accounts) -> None:
        super().__init__((testservers.HOST, 0), functools.partial(CustomerHandler, accounts))
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{testservers.HOST}:{self.server_port}"


class CustomerHandler(http.server.BaseHTTPRequestHandler):
    """One order."""

    def __init__(self, accounts: aws_accounts.Accounts, *arguments: Any) -> None:
        self.accounts = accounts
        super().__init__(*arguments)

    def do_POST(self) -> None:  # noqa: N802 (the name is the library's)
        """Applies the documents."""
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names = {name: order[name] for name in ("policy_name", "role_name") if name in order}
        applied = json.dumps(aws_accounts.apply(self.accounts, order["policy"], order["trust"], **names)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(applied)))
        self.end_headers()
        self.wfile.write(applied)

    def log_message(self, *_: object) -> None:
        """Says nothing about requests."""


class Telecine(clients.Telecine):
    """The server that shows the dashboard."""

    def command(self) -> list[str]:
        return [*super().command(), *filter(None, os.environ.get("TELECINE_SERVE_OPTIONS", "").split())]


@contextlib.contextmanager
def running(folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The world; ended when the block is left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    samples = clients.make_samples(folder / "samples")
    links = clients.Links(samples)
    with testservers.Ministack(folder) as ministack:
        accounts = aws_accounts.create(ministack.endpoint, BUCKET)
        fill(accounts, samples)
        # Tests start receivers of webhooks, at ports that nobody knows before.
        allowed = f"{links.host},localhost"
        with Telecine(folder, accounts, allowed, clients.writer.Writer().endpoint) as telecine:
            integration = clients.connect(telecine, accounts)
            world = {
                "url": telecine.endpoint,
                "key": telecine.key,
                "customer": Customer(accounts).endpoint,
                "account_id": accounts["customer"]["account_id"],
                "bucket": BUCKET,
                "other_bucket": OTHER_BUCKET,
                "integration": integration,
                "links": f"http://{links.host}",
                "samples": str(samples),
                **seed(telecine, integration),
            }
            file = folder / "world.json"
            file.write_text(json.dumps(world, indent=2))
            yield world | {"file": str(file)}


def fill(accounts: aws_accounts.Accounts, samples: pathlib.Path) -> None:
    """The demo's seven videos into one bucket, two short ones into the other."""
    s3 = aws_accounts.client(accounts, "s3", accounts["customer"])
    place = {"LocationConstraint": accounts["region"]}
    s3.create_bucket(Bucket=OTHER_BUCKET, CreateBucketConfiguration=place)
    made = {"short.mp4", "other.mp4", "short.wav"}
    for file in sorted(samples.iterdir()):
        if file.name not in made and file.suffix != ".jpg":
            s3.upload_file(str(file), BUCKET, file.name)
    for name in ("short.mp4", "other.mp4"):
        s3.upload_file(str(samples / name), OTHER_BUCKET, name)


def seed(telecine: Telecine, integration: str) -> dict[str, Any]:
    """An index into which the whole bucket was transferred: some videos ready, one skipped, three refused."""
    engines = [
        {"engine_name": "marengo2.6", "engine_options": ["visual", "conversation", "text_in_video"]},
        {"engine_name": "pegasus1.1", "engine_options": ["visual", "conversation"]},
    ]
    wanted = {"index_name": INDEX, "engines": engines, "addons": ["thumbnail"]}
    index = telecine.call("POST", "/v1.2/indexes", wanted)["_id"]
    telecine.call("POST", f"/integrations/{integration}/synchronize")
    imported = telecine.call("POST", f"/tasks/transfers/import/{integration}", {"index_id": index})
    transfer = telecine.call("GET", "/transfers?page_limit=1")["data"][0]["_id"]
    wait_for(telecine, transfer)
    videos = telecine.call("GET", f"/v1.2/indexes/{index}/videos?page_limit=50")["data"]
    return {
        "index": index,
        "index_name": INDEX,
        "transfer": transfer,
        "imported": imported,
        "videos": {video["metadata"]["filename"]: video["_id"] for video in videos},
    }


def wait_for(telecine: Telecine, transfer: str) -> None:
    """Until every video of the transfer is done."""
    deadline = time.monotonic() + 600
    while not telecine.call("GET", f"/transfers/{transfer}")["is_finished"]:
        if time.monotonic() > deadline:
            raise SystemExit("the transfer of the world does not end")
        time.sleep(0.5)


def main() -> int:
    """The command line."""
    folder, *command = sys.argv[1:] or ["-h"]
    if folder in ("-h", "--help"):
        print(__doc__)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with running(pathlib.Path(folder).resolve()) as world:
        if command:
            environment = os.environ | {"TELECINE_WORLD": world["file"]}
            return subprocess.run(command, env=environment, check=False).returncode
        print(f"{world['url']}/dashboard/ with the key {world['key']}; more in {world['file']}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
