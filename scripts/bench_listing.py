#!/usr/bin/env python3
"""Owns the side by side of listings: ours, s5cmd's and rclone's, of the same bucket on SeaweedFS, in turns.

    bench_listing.py [--objects 100000] [--rounds 5] [--ours PROGRAM]     prints Markdown tables

Each program writes size and key of everything to /dev/null; CPU seconds, wall clock and memory are what the kernel says
of its process. Who begins changes with every round. `--ours` is the bench `listing` of the crate `telecine`, built
already; without it, it is built (release profile). The others are pinned in bench.txt and kept in the cache folder.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import typing
import venv

import boto3
import botocore.config
import testservers

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("TELECINE_CACHE") or pathlib.Path.home() / ".cache/telecine")
LOCK = ROOT / "scripts/bench.txt"


class Run(typing.NamedTuple):
    """What the kernel says of one process."""

    cpu_s: float
    wall_s: float
    memory_mib: float


Commands = dict[str, list[str]]


def others() -> pathlib.Path:
    """The folder of the other programs; installs them where they are not there in these versions."""
    folder = CACHE / "bench"
    mark = folder / ".lock"
    if not mark.exists() or mark.read_text() != LOCK.read_text():
        venv.create(folder, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([folder / "bin/python", *install, "--only-binary=:all:", "-r", LOCK], check=True)
        mark.write_text(LOCK.read_text())
    return folder / "bin"


def ours() -> str:
    """Builds our program; gives its path."""
    command = ["cargo", "bench", "-p", "telecine", "--bench", "listing", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    messages = (json.loads(line) for line in built if line.startswith(b"{"))
    return [m["executable"] for m in messages if m.get("target", {}).get("name") == "listing"][-1]


def commands(program: str, server: testservers.SeaweedFs, bucket: str) -> Commands:
    """How each lists the bucket."""
    programs = others()
    rclone = [str(programs / "rclone"), "lsf", "--recursive", "--files-only", "--format", "sp", f":s3:{bucket}"]
    return {
        "telecine": [program, "--bucket", bucket, "--endpoint", server.endpoint],
        "s5cmd `ls`": [str(programs / "s5cmd"), "--endpoint-url", server.endpoint, "ls", f"s3://{bucket}/*"],
        "rclone `--fast-list`": [*rclone, "--fast-list"],
        "rclone by folders": rclone,
    }


def environment(server: testservers.SeaweedFs) -> dict[str, str]:
    """Credentials, as each of them finds them; no configuration of this machine."""
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
    return keep | {
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
        "AWS_REGION": "us-east-1",
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_S3_PROVIDER": "SeaweedFS",
        "RCLONE_S3_ENDPOINT": server.endpoint,
        "RCLONE_S3_ENV_AUTH": "true",
    }


def fill(server: testservers.SeaweedFs, bucket: str, objects: int, folder: pathlib.Path) -> None:
    """Makes a bucket with that many objects of one byte: three years, twelve months, numbered."""
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}),
    )
    client.create_bucket(Bucket=bucket)
    months = [folder / f"recordings/{2022 + n // 12}/{n % 12 + 1:02}" for n in range(36)]
    for month in months:
        month.mkdir(parents=True)
    for number in range(objects):
        (months[number % 36] / f"clip-{number:06}.mp4").write_bytes(b".")
    command = [others() / "s5cmd", "--log", "error", "--endpoint-url", server.endpoint]
    copy = [*command, "cp", f"{folder}/", f"s3://{bucket}/"]
    subprocess.run(copy, check=True, env=environment(server), stdout=subprocess.DEVNULL)


# The kernel counts the memory of who started a process as that of the process: it is started by something small.
LAUNCHER = """
import os, sys, time
start = time.monotonic()
null = os.open(os.devnull, os.O_RDWR)
silent = [(os.POSIX_SPAWN_DUP2, null, output) for output in (1, 2)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024)
sys.exit(status != 0)
"""


def measure(command: list[str], env: dict[str, str]) -> Run:
    """Runs it once, its output thrown away."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    return Run(*map(float, subprocess.run(launch, env=env, check=True, stdout=subprocess.PIPE).stdout.split()))


def check(listing: Commands, env: dict[str, str], objects: int) -> None:
    """That all of them tell every object; warms the server up for all of them."""
    for name, command in listing.items():
        told = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        lines = told.count(b"\n")
        if lines != objects:
            raise testservers.ServerError(f"{name} tells {lines} of {objects} objects")


def rounds(listing: Commands, env: dict[str, str], number: int) -> dict[str, list[Run]]:
    """Each in its turn, another one first each time."""
    runs: dict[str, list[Run]] = {name: [] for name in listing}
    names = list(listing)
    for turn in range(number):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            runs[name].append(measure(listing[name], env))
    return runs


def show(runs: dict[str, list[Run]], objects: int, load: tuple[float, float, float]) -> None:
    """Medians, and from the least to the most."""

    def spread(values: list[float], digits: int) -> str:
        return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"

    print(f"\n{objects} objects, {len(next(iter(runs.values())))} rounds, load {load[0]:.1f} before:\n")
    print("| | CPU seconds | wall seconds | peak memory, MiB |\n| --- | ---: | ---: | ---: |")
    for name, each in runs.items():
        cpu, wall, memory = (list(values) for values in zip(*each, strict=True))
        print(f"| {name} | {spread(cpu, 2)} | {spread(wall, 2)} | {spread(memory, 0)} |")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ours", help="the bench `listing`, built already")
    arguments = parser.parse_args()
    program = arguments.ours or ours()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with testservers.SeaweedFs(folder) as server:
            env = environment(server)
            for objects in (arguments.objects // 10, arguments.objects):
                fill(server, f"objects-{objects}", objects, folder / f"files-{objects}")
            for objects in (arguments.objects // 10, arguments.objects):
                listing = commands(program, server, f"objects-{objects}")
                check(listing, env, objects)
                load = os.getloadavg()
                show(rounds(listing, env, arguments.rounds), objects, load)
    return 0


if __name__ == "__main__":
    sys.exit(main())
