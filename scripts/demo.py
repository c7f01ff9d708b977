#!/usr/bin/env python3
"""Owns the demo: a bucket of videos in somebody else's AWS account becomes a searchable index, step by step.

`make demo` runs it. Every step prints the command that does the same by hand. Afterwards the server stays up until
Ctrl-C; with ONCE=1 the results are checked, the last line is JSON, and the status says whether all was as it should be.
Everything lies in var/demo; every process started here ends with this one.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import aws_accounts
from testservers import HOST, HTTP, Ministack, ServerError, free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEMO = ROOT / "var/demo"
BUCKET = "harbour-films"
INDEX = "harbour"
START_LIMIT_S = 120

# What must become of each video: a status, and for failed ones the code.
EXPECTED = {
    "trailer.mp4": {"ready", "skipped"},
    "copy-of-trailer.mp4": {"ready", "skipped"},
    "speech.mp4": {"ready"},
    "captioned.mp4": {"ready"},
    "silent.mp4": {"video_audio_track_not_exists"},
    "small.mp4": {"video_resolution_too_low"},
    "broken.mp4": {"video_file_broken", "unsupported_file_type"},
}
# Which of two equal files is taken first is chance.
TWINS = {"trailer.mp4", "copy-of-trailer.mp4"}
# How, what, and in which videos the best hit may lie.
SEARCHES = (
    ("visual", "a bunny", TWINS | {"captioned.mp4"}),
    ("conversation", "the best of times", {"speech.mp4"}),
    ("text_in_video", "Peach open movie project", TWINS),
)


class Problem(Exception):
    """Something that keeps the demo from going on."""


class Tour:
    """Prints the steps and runs their commands."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self.step_number = 0
        # No proxy of this machine has any business between loopback and loopback.
        self.environment["NO_PROXY"] = self.environment["no_proxy"] = HOST
        # Output is set off by three blanks.
        self.environment["COLUMNS"] = str(shutil.get_terminal_size((110, 24)).columns - 3)

    def step(self, title: str) -> None:
        """Begins a step."""
        self.step_number += 1
        print(f"\n{bold(f'{self.step_number}. {title}')}", flush=True)

    def command(self, *parts: str) -> None:
        """Prints a command as one would type it."""
        line = " ".join(part if part in ("|", "\\\n     ") else shlex.quote(part) for part in parts)
        print(f"   $ {line}", flush=True)

    def telecine(self, *arguments: str, status: int = 0, show: bool = True) -> str:
        """Runs a command of Telecine, printed before it; gives its output, which is shown as well."""
        if show:
            self.command("telecine", *arguments)
        done = subprocess.run(
            [program(), *arguments], env=self.environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if show:
            print(indented(done.stdout), end="", flush=True)
        if done.returncode != status:
            raise Problem(f"`telecine {shlex.join(arguments)}` ended with status {done.returncode}")
        return done.stdout


def bold(text: str) -> str:
    """On a terminal that wants it."""
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def indented(text: str) -> str:
    """Set off from the demo's own lines."""
    return "".join(f"   {line}\n" if line else "\n" for line in text.splitlines())


def program() -> str:
    """The built program."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    path = pathlib.Path(os.environ.get("TELECINE_PROGRAM") or target / "debug/telecine")
    if not path.exists():
        raise Problem(f"{path} is not there; run scripts/setup.sh build")
    return str(path)


def listening_port() -> int:
    """The usual port, if nobody has it."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, 8080))
        except OSError:
            return free_port()
        return 8080


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Empties the demo's folder, unless another demo works in it."""
    DEMO.parent.mkdir(exist_ok=True)
    with (DEMO.parent / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("another demo is running here; end it first (Ctrl-C there)") from None
        shutil.rmtree(DEMO, ignore_errors=True)
        DEMO.mkdir()
        yield


@contextlib.contextmanager
def serving(tour: Tour, accounts: dict[str, Any]) -> Iterator[str]:
    """A Telecine server with the platform's key; gives its address."""
    url = f"http://{HOST}:{listening_port()}"
    arguments = [
        *("serve", "--listen", url.removeprefix("http://"), "--data-dir", relative(DEMO / "data")),
        *("--aws-endpoint-url", accounts["endpoint"], "--admin-key-file", relative(DEMO / "admin.key")),
    ]
    platform = {
        "AWS_ACCESS_KEY_ID": accounts["platform"]["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": accounts["platform"]["secret_access_key"],
        "AWS_REGION": accounts["region"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    print(f"   $ export AWS_ACCESS_KEY_ID={platform['AWS_ACCESS_KEY_ID']} AWS_SECRET_ACCESS_KEY=… AWS_REGION=…")
    tour.command("telecine", *arguments)
    with (DEMO / "server.log").open("w") as log:
        server = subprocess.Popen(
            [program(), *arguments],
            cwd=ROOT,
            env=tour.environment | platform,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us; we stop it in order.
            start_new_session=True,
        )
    try:
        wait_until_ready(server, url)
        key = (DEMO / "admin.key").read_text().strip()
        tour.environment |= {"TELECINE_URL": url, "TELECINE_API_KEY": key}
        print(f"   ready at {url}; its log is {relative(DEMO / 'server.log')}", flush=True)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_until_ready(server: subprocess.Popen[bytes], url: str) -> None:
    """Waits for /readyz."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Problem(f"the server does not start:\n{(DEMO / 'server.log').read_text()}")
        with contextlib.suppress(OSError), HTTP.open(url + "/readyz", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise Problem(f"the server was not ready after {START_LIMIT_S} s; see {DEMO / 'server.log'}")


def relative(path: pathlib.Path) -> str:
    """As one would type it in the repository."""
    return str(path.relative_to(ROOT))


def api(tour: Tour, path: str) -> Any:
    """What the server says about this path."""
    headers = {"x-api-key": tour.environment["TELECINE_API_KEY"]}
    with HTTP.open(urllib.request.Request(tour.environment["TELECINE_URL"] + path, headers=headers)) as answer:
        return json.load(answer)


def make_bucket(tour: Tour, endpoint: str) -> dict[str, Any]:
    """The customer's bucket with the sample videos."""
    tour.command("scripts/samples.sh", relative(DEMO / "bucket"))
    subprocess.run([ROOT / "scripts/samples.sh", DEMO / "bucket"], check=True)
    accounts = aws_accounts.create(endpoint, BUCKET)
    (DEMO / "accounts.json").write_text(json.dumps(accounts, indent=2))
    upload = ("--accounts", relative(DEMO / "accounts.json"), relative(DEMO / "bucket"))
    tour.command("scripts/aws_accounts.py", "upload", *upload)
    keys = aws_accounts.upload(accounts, DEMO / "bucket")
    print(f"   s3://{BUCKET} (account {accounts['customer']['account_id']}) holds {', '.join(keys)}")
    return accounts


def connect(tour: Tour, accounts: dict[str, Any]) -> None:
    """Makes the integration, applies in the customer's account what was handed out, and verifies."""
    tour.step("Connect the customer's bucket: Telecine hands out a policy and a role's trust policy")
    documents = relative(DEMO / "documents")
    account = accounts["customer"]["account_id"]
    tour.telecine("integration", "add", BUCKET, "--account-id", account, "--save", documents)

    tour.step("The customer applies exactly these two documents")
    files = ("--policy", f"{documents}/policy.json", "--trust", f"{documents}/trust.json")
    tour.command("scripts/aws_accounts.py", "apply", "--accounts", relative(DEMO / "accounts.json"), *files)
    policy, trust = (DEMO / "documents/policy.json").read_text(), (DEMO / "documents/trust.json").read_text()
    applied = aws_accounts.apply(accounts, policy, trust)
    print(f"   created {applied['policy_arn']}\n   created {applied['role_arn']}", flush=True)

    tour.step("Verify: the role can be assumed with our external id, and by nobody without it")
    tour.telecine("integration", "verify", BUCKET)


def make_manifest(tour: Tour) -> pathlib.Path:
    """The list of videos, with captions added to one."""
    tour.step("List the bucket and download the manifest")
    tour.telecine("integration", "sync", BUCKET)
    manifest = DEMO / "manifest.json"
    tour.telecine("integration", "manifest", BUCKET, "--index", INDEX, "--output", relative(manifest))

    tour.step("Edit it: one video brings its own captions")
    entries = json.loads(manifest.read_text())
    for entry in entries:
        if entry["object"] == f"s3://{BUCKET}/captioned.mp4":
            entry["transcription"] = f"s3://{BUCKET}/captioned.srt"
            print(f"   {json.dumps(entry)}")
    manifest.write_text(json.dumps(entries, indent=2))
    return manifest


def transfer(tour: Tour, url: str, manifest: pathlib.Path) -> str:
    """Plans, then posts the manifest as the documentation does; gives the transfer."""
    tour.step("What would happen? A dry run moves nothing")
    tour.telecine("transfer", relative(manifest), "--dry-run")

    tour.step("Transfer: one POST, with the documentation's own Python snippet")
    snippet = ROOT / "tests/clients/snippets/transfers.py"
    place = {"API_URL": f"{url}/v1.2", "API_KEY": tour.environment["TELECINE_API_KEY"], "MANIFEST_PATH": str(manifest)}
    tour.command("python", relative(snippet))
    print(f'   # the same:  telecine transfer {relative(manifest)}')
    print(f'   # the same:  curl -H "x-api-key: $TELECINE_API_KEY" -F file=@{relative(manifest)} \\')
    print("   #                $TELECINE_URL/v1.2/tasks/transfers", flush=True)
    posted = subprocess.run(
        [sys.executable, snippet], env=tour.environment | place, stdout=subprocess.PIPE, text=True, check=False
    )
    print(indented(posted.stdout), end="", flush=True)
    if not posted.stdout.startswith("Status code: 200"):
        raise Problem("the snippet's request was not accepted")
    newest = api(tour, "/v1.2/transfers?page_limit=1")["data"][0]["_id"]

    tour.step("Watch it")
    tour.command("telecine", "transfer", "status", newest, "--follow")
    # Bars on a terminal, lines elsewhere; the status says that some videos were refused, as they must be.
    watched = subprocess.run([program(), "transfer", "status", newest, "--follow"], env=tour.environment, check=False)
    if watched.returncode not in (0, 1):
        raise Problem(f"watching the transfer ended with status {watched.returncode}")
    return newest


def check_transfer(tour: Tour, transfer_id: str) -> tuple[dict[str, int], list[str]]:
    """Counts, and what is not as it must be."""
    report = api(tour, f"/v1.2/transfers/{transfer_id}/report?format=json")
    rows = report if isinstance(report, list) else report["data"]
    counts = dict.fromkeys(("ready", "failed", "skipped"), 0)
    problems, found, ids = [], {}, {}
    for row in rows:
        name = row["filename"]
        counts[row["status"]] = counts.get(row["status"], 0) + 1
        found[name] = row["error"]["code"] if row["status"] == "failed" else row["status"]
        ids[name] = row["_id"]
        if found[name] not in EXPECTED.get(name, set()):
            problems.append(f"{name} became {found[name]}, not {' or '.join(sorted(EXPECTED.get(name, [])))}")
        if row["status"] == "failed" and not (row["error"].get("message") and row["error"].get("remedy")):
            problems.append(f"{name} failed without message and remedy")
    problems += [f"{name} has no task" for name in EXPECTED if name not in found]
    if sorted(found.get(name, "") for name in TWINS) != ["ready", "skipped"]:
        problems.append("of two equal videos, one must be ready and one skipped")
    for row in rows:
        others = {ids.get(name) for name in TWINS} - {row["_id"]}
        if row["status"] == "skipped" and row["duplicate_of"] not in others:
            problems.append(f"{row['filename']} is told to equal {row['duplicate_of']}, not its twin")
    return counts, problems


def search(tour: Tour) -> tuple[list[dict[str, Any]], list[str]]:
    """One search for each of what is seen, said and written."""
    results, problems = [], []
    for option, query, videos in SEARCHES:
        word = {"visual": "seen", "conversation": "said", "text_in_video": "written"}[option]
        tour.step(f"Search for what is {word}")
        arguments = ("search", INDEX, query, "--by", option, "--limit", "3")
        tour.telecine(*arguments)
        hits = json.loads(tour.telecine(*arguments, "--json", show=False))["data"]
        result: dict[str, Any] = {"by": option, "query": query}
        if hits:
            best = hits[0]
            index = api(tour, f"/v1.2/indexes?index_name={INDEX}")["data"][0]["_id"]
            video = api(tour, f"/v1.2/indexes/{index}/videos/{best['video_id']}")["metadata"]["filename"]
            result |= {"video": video, "start": best["start"], "end": best["end"], "score": best["score"]}
        if result.get("video") not in videos:
            found = result.get("video", "nothing")
            problems.append(f"“{query}” ({word}) finds {found} first, not {' or '.join(sorted(videos))}")
        results.append(result)
    return results, problems


def check_dashboard(tour: Tour, link: str) -> tuple[dict[str, Any], list[str]]:
    """Does what a browser does with the link, and tells what is not as it must be."""
    url = tour.environment["TELECINE_URL"]
    page, _, code = link.partition("#code=")
    body = json.dumps({"code": code}).encode()
    headers = {"content-type": "application/json", "origin": url}
    with HTTP.open(urllib.request.Request(url + "/session", body, headers)) as answer:
        kept = answer.headers["set-cookie"]
        name = json.load(answer)["key_name"]
    problems = []
    if not kept.startswith("telecine_session=tls_") or not kept.endswith("; HttpOnly; SameSite=Strict"):
        problems.append("the cookie of the session is not as it must be")
    cookie = {"cookie": kept.partition(";")[0]}
    with HTTP.open(urllib.request.Request(url + "/v1.3/indexes", headers=cookie)) as answer:
        found = [index["index_name"] for index in json.load(answer)["data"]]
    if found != [INDEX]:
        problems.append(f"signed in, one sees the indexes {found}, not {INDEX} alone")
    with HTTP.open(urllib.request.Request(page, headers=cookie | {"accept": "text/html"})) as answer:
        html, policy = answer.read().decode(), answer.headers["content-security-policy"]
    if "<html" not in html or not policy.startswith("default-src 'none'; script-src 'self';"):
        problems.append("the dashboard's page is not as it must be")
    is_built = "/dashboard/assets/" in html
    print(f"   signed in as the key `{name}`; the page is {'there' if is_built else 'not built: see `make web`'}")
    return {"url": page, "signed_in": name, "built": is_built}, problems


def run(once: bool) -> int:
    """The whole tour."""
    tour = Tour()
    with alone(), contextlib.ExitStack() as stack:
        tour.step("A stand-in for AWS with two accounts, ours and a customer's, and real IAM and STS checks")
        tour.command("scripts/testservers.py", "run", "ministack", "--dir", relative(DEMO))
        ministack = stack.enter_context(Ministack(DEMO))
        print(f"   S3, IAM and STS at {ministack.endpoint}", flush=True)

        tour.step("The customer's bucket, with seven videos that are not all good ones")
        accounts = make_bucket(tour, ministack.endpoint)

        tour.step("Telecine, with the key of our own account, which cannot see that bucket")
        url = stack.enter_context(serving(tour, accounts))

        tour.step("An index for what is seen, said and written")
        tour.telecine("index", "create", INDEX)

        connect(tour, accounts)
        manifest = make_manifest(tour)
        transfer_id = transfer(tour, url, manifest)
        counts, problems = check_transfer(tour, transfer_id)
        searches, missed = search(tour)
        problems += missed
        for problem in problems:
            print(f"demo: {problem}", file=sys.stderr)
        tour.step("The dashboard: this link opens it, signed in, once and within ten minutes")
        link = tour.telecine("dashboard").strip()
        if once:
            dashboard, unseen = check_dashboard(tour, link)
            for problem in unseen:
                print(f"demo: {problem}", file=sys.stderr)
            print(json.dumps(counts | {"searches": searches, "dashboard": dashboard}), flush=True)
            return 1 if problems or unseen else 0
        stay(tour, link)
    return 1 if problems else 0


def stay(tour: Tour, link: str) -> None:
    """Leaves the server to the person."""
    print(f"\n{bold('The server stays up until Ctrl-C.')} In another terminal:\n")
    print(f"   export TELECINE_URL={tour.environment['TELECINE_URL']}")
    print(f"   export TELECINE_API_KEY={tour.environment['TELECINE_API_KEY']}")
    print(f"   {shlex.quote(program())} search {INDEX} 'somebody yawns'\n")
    print(f"Or look around in a browser, signed in:\n\n   {bold(link)}\n", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    print("\nStopping.", flush=True)


def main() -> int:
    """The command line: the environment variable ONCE."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(once=os.environ.get("ONCE", "") not in ("", "0"))
    except KeyboardInterrupt:
        return 130
    except (Problem, ServerError) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
