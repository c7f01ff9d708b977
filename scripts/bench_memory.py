#!/usr/bin/env python3
"""Owns the memory of a server over an hour of steady work: what it holds at the end against what it held when it was warm.

    bench_memory.py [--minutes 60] [--program PROGRAM]     prints a Markdown table and the growth

Rounds follow each other without a pause. Each puts six new videos into a bucket on SeaweedFS, transfers them into an index of
its own (seen, said and written), searches them, walks through lists and reports, and deletes the index and the objects: what
is stored stays as much as it was. Memory is what the kernel says of the server's process alone every second (`RssAnon` of
/proc/PID/status is what it has allocated, `VmRSS` has the pages of files, too); decoders are processes of their own.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

import boto3
import botocore.config
import requests
import testservers

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("TELECINE_CACHE") or pathlib.Path.home() / ".cache/telecine")
BUCKET = "films"
FILMS = 6
SEARCHES = ("a test picture", "the best of times", "a red car", "numbers", "a face", "water")
# The first part of the run makes everything warm: models, pools, caches, arenas.
PARTS = 6


class Api:
    """The server's API."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.session = url + "/v1.3", requests.Session()
        self.session.trust_env = False
        self.session.headers["x-api-key"] = key

    def call(self, method: str, path: str, **rest: Any) -> Any:
        """What is answered, which must be well."""
        answer = self.session.request(method, self.url + path, timeout=60, **rest)
        if not answer.ok:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


class Memory(threading.Thread):
    """Looks at a process every second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        # When it has ended, there is nothing to be read.
        self.path, self.ended = pathlib.Path(f"/proc/{pid}/status"), threading.Event()
        self.told: list[tuple[float, float, float]] = []

    def run(self) -> None:
        while not self.ended.wait(1):
            with contextlib.suppress(OSError):
                self.look()

    def look(self) -> None:
        """Notes what is held now."""
        fields = dict(line.split(":", 1) for line in self.path.read_text().splitlines() if ":" in line)
        mib = [int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS")]
        self.told.append((time.monotonic(), mib[0], mib[1]))

    def between(self, begin: float, end: float) -> tuple[list[float], list[float]]:
        """`RssAnon` and `VmRSS` in MiB."""
        told = [(anon, rss) for at, anon, rss in self.told if begin <= at < end]
        return [anon for anon, _ in told], [rss for _, rss in told]


def make_films(folder: pathlib.Path) -> list[bytes]:
    """Videos of eight seconds with pictures, letters and somebody who speaks."""
    speech = CACHE / "media/two_cities.wav"
    subprocess.run([sys.executable, ROOT / "scripts/fetch_media.py"], check=True)
    films = []
    for number in range(FILMS):
        path = folder / f"{number}.mp4"
        pictures = f"testsrc2=s=640x360:r=12:d=5,hue=h={number * 60}[a];color=c=0x{number * 0x203040:06x}:s=640x360:r=12:d=3[b]"
        command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", pictures + ";[a][b]concat", "-i", speech]
        encode = ["-t", "8", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", path]
        subprocess.run([*command, *encode], check=True)
        films.append(path.read_bytes())
    return films


def marked(film: bytes, number: int) -> bytes:
    """The same film with other bytes: a box at its end that players skip."""
    return film + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")


@contextlib.contextmanager
def serving(program: str, folder: pathlib.Path, store: testservers.SeaweedFs) -> Any:
    """A server on a new data folder; gives its process and its API."""
    port = testservers.free_port()
    url = f"http://{testservers.HOST}:{port}"
    arguments = ["serve", "--listen", f"{testservers.HOST}:{port}", "--data-dir", str(folder / "data")]
    arguments += ["--admin-key-file", str(folder / "admin.key"), "--config", str(folder / "telecine.toml")]
    private = store.endpoint.removeprefix("http://")
    settings = f'[log]\nfilter = "warn"\n[urls]\nallow_private_hosts = ["{private}"]\n'
    (folder / "telecine.toml").write_text(settings)
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen([program, *arguments], stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError, requests.RequestException):
                if requests.get(url + "/readyz", timeout=2).ok:
                    break
            if server.poll() is not None:
                raise SystemExit((folder / "server.log").read_text())
            time.sleep(0.2)
        yield server, Api(url, (folder / "admin.key").read_text().strip())
    finally:
        server.terminate()
        server.wait(60)


class Work:
    """Rounds of steady work."""

    def __init__(self, api: Api, store: testservers.SeaweedFs, films: list[bytes]) -> None:
        self.api, self.films, self.number = api, films, 0
        config = botocore.config.Config(s3={"addressing_style": "path"})
        keys = {"aws_access_key_id": store.access_key_id, "aws_secret_access_key": store.secret_access_key}
        place = {"endpoint_url": store.endpoint, "region_name": "us-east-1"}
        self.s3 = boto3.client("s3", config=config, **place, **keys)
        self.s3.create_bucket(Bucket=BUCKET)
        about = {"provider": "s3_compatible", "bucket": BUCKET, "endpoint_url": store.endpoint, "path_style": True}
        secrets = {"access_key_id": store.access_key_id, "secret_access_key": store.secret_access_key}
        self.integration = api.call("POST", "/integrations", json=about | secrets)["_id"]
        api.call("POST", f"/integrations/{self.integration}/verify")

    def round(self) -> None:
        """Videos come, are found, and go."""
        self.number += 1
        keys = [f"{self.number}/{film}.mp4" for film in range(FILMS)]
        for film, key in enumerate(keys):
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=marked(self.films[film], self.number))
        models = [{"model_name": "marengo2.7", "model_options": ["visual", "audio"]}]
        index = self.api.call("POST", "/indexes", json={"index_name": f"round {self.number}", "models": models})["_id"]
        entries = [{"index_id": index, "language": "en", "object": f"s3://{BUCKET}/{key}"} for key in keys]
        posted = self.api.call("POST", "/tasks/transfers", files={"file": ("m.json", json.dumps(entries))})
        transfer = self.api.call("GET", "/transfers?page_limit=1")["data"][0]["_id"]
        while not (told := self.api.call("GET", f"/transfers/{transfer}"))["is_finished"]:
            time.sleep(0.3)
        if told["counts"]["ready"] != FILMS:
            raise SystemExit(f"not all became ready: {told} {posted}")
        for text in SEARCHES:
            form = {"index_id": (None, index), "query_text": (None, text), "search_options": (None, "visual")}
            self.api.call("POST", "/search", files=form)
        self.api.call("POST", f"/integrations/{self.integration}/synchronize")
        for path in (f"/transfers/{transfer}/report?format=json", "/tasks?page_limit=50", f"/indexes/{index}/videos"):
            self.api.call("GET", path)
        self.api.call("DELETE", f"/indexes/{index}")
        for key in keys:
            self.s3.delete_object(Bucket=BUCKET, Key=key)


def built() -> str:
    """The program, built with optimizations."""
    subprocess.run(["cargo", "build", "--release", "-p", "telecine"], cwd=ROOT, check=True)
    return str(pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release/telecine")


def main() -> int:
    """Works for as long as is asked, then tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--program", help="a `telecine` that is built already")
    arguments = parser.parse_args()
    program = arguments.program or built()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        films = make_films(folder)
        store = testservers.SeaweedFs(folder / "seaweedfs")
        with store, serving(program, folder, store) as (server, api):
            work, memory = Work(api, store, films), Memory(server.pid)
            begin = time.monotonic()
            memory.start()
            while time.monotonic() < begin + 60 * arguments.minutes:
                work.round()
            memory.ended.set()
            tell(memory, begin, work.number)
    return 0


def tell(memory: Memory, begin: float, rounds: int) -> None:
    """Prints the table."""
    step = (memory.told[-1][0] - begin) / PARTS
    print(f"{rounds} rounds of {FILMS} videos\n")
    print("| minutes | RssAnon, median | highest | VmRSS, median |\n| --- | ---: | ---: | ---: |")
    medians = []
    for part in range(PARTS):
        anon, rss = memory.between(begin + part * step, begin + (part + 1) * step)
        medians.append(statistics.median(anon))
        span = f"{part * step / 60:.0f} to {(part + 1) * step / 60:.0f}"
        print(f"| {span} | {medians[-1]:.1f} MiB | {max(anon):.1f} MiB | {statistics.median(rss):.1f} MiB |")
    growth = 100 * (medians[-1] / medians[1] - 1)
    print(f"\nFrom the second part to the last one: {growth:+.2f} %")


if __name__ == "__main__":
    sys.exit(main())
