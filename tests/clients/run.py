"""Owns the world in which the clients are tested: a customer's bucket on ministack, a web server for direct links, a
telecine server with an active integration. Runs pytest with each client, then ends what it started.

Start it by run.sh, which makes everything ready.
"""

import functools
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "clients"
sys.path.insert(0, str(ROOT / "scripts"))

import aws_accounts
import testservers

BUCKET = "harbour-films"
VERSIONS = ("0.2.10", "0.3.2")
# A client that waits for a server that does not answer would wait for ten minutes, again and again.
CLIENT_LIMIT_S = 240
# What lies in the bucket; samples.sh makes them.
OBJECTS = ("trailer.mp4", "captioned.mp4", "captioned.srt", "silent.mp4", "small.mp4")


class Telecine(testservers.Server):
    """The server under test, with the key of its first start."""

    name = "telecine"

    def __init__(self, folder: pathlib.Path, accounts: aws_accounts.Accounts, link_host: str) -> None:
        super().__init__(folder)
        self.accounts = accounts
        self.link_host = link_host
        self.key_file = self.folder / "admin-key"

    def command(self) -> list[str]:
        return [
            *(os.environ["TELECINE_BIN"], "serve", "--listen", f"{testservers.HOST}:{self.port}"),
            *("--data-dir", str(self.folder / "data"), "--admin-key-file", str(self.key_file)),
            *("--aws-endpoint-url", self.accounts["endpoint"], "--set", f"urls.allow_private_hosts={self.link_host}"),
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
        """One request of Telecine's own API."""
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


def main(arguments: list[str]) -> int:
    """Runs every client's tests; the worst exit status."""
    cache = pathlib.Path(os.environ.get("TELECINE_CACHE") or pathlib.Path.home() / ".cache" / "telecine")
    with tempfile.TemporaryDirectory(prefix="telecine-clients-") as name:
        folder = pathlib.Path(name)
        samples = folder / "samples"
        subprocess.run([ROOT / "scripts" / "samples.sh", samples], check=True)
        links = Links(samples)
        with testservers.Ministack(folder) as ministack:
            accounts = aws_accounts.create(ministack.endpoint, BUCKET)
            make_bucket(accounts, samples)
            with Telecine(folder, accounts, links.host) as telecine:
                integration = connect(telecine, accounts)
                environment = {
                    **os.environ,
                    "NO_PROXY": testservers.HOST,
                    "no_proxy": testservers.HOST,
                    "TELECINE_URL": telecine.endpoint,
                    "TELECINE_API_KEY": telecine.key,
                    "TELECINE_BUCKET": BUCKET,
                    "TELECINE_INTEGRATION": integration,
                    "TELECINE_LINKS": f"http://{links.host}",
                    "TELECINE_SAMPLES": str(samples),
                    "TELECINE_SNIPPET_PYTHON": sys.executable,
                }
                results = {version: test(cache, version, environment, arguments) for version in VERSIONS}
                if any(results.values()):
                    log = (telecine.folder / "log").read_text(errors="replace").splitlines()
                    print("clients: the end of the server's log:", *log[-40:], sep="\n  ", flush=True)
                return max(results.values())


def test(cache: pathlib.Path, version: str, environment: dict[str, str], arguments: list[str]) -> int:
    """Runs the tests with one version of the SDK; the exit status."""
    print(f"clients: twelvelabs {version}", flush=True)
    python = cache / "clients" / f"twelvelabs-{version}" / "bin" / "python"
    # The snippets use no SDK: once is enough.
    files = ["test_sdk.py", *(["test_snippets.py"] if version == VERSIONS[-1] else [])]
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, *arguments]
    try:
        return subprocess.run(command, cwd=HERE, env=environment, check=False, timeout=CLIENT_LIMIT_S).returncode
    except subprocess.TimeoutExpired:
        print(f"clients: twelvelabs {version} was not done after {CLIENT_LIMIT_S} s", flush=True)
        return 1


if __name__ == "__main__":
    # Asked to end, it ends what it started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
