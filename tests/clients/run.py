"""Runs each client's tests in the world that world.py makes, two clients at a time, and tells how they went.

    run.py [--client NAME]… [--without NAME]… [PYTEST-ARGUMENTS…]
                                                    NAME: python-1.3.6, js-0.2.8, snippets, schema, …
    run.py --keep FOLDER                            only the world, until Ctrl-C; FOLDER/world.json tells where it is
    run.py --world FILE [--client NAME]… […]        in a world that is kept so

Start it by run.sh, which makes everything ready. Environment: TELECINE_SCHEMA_S, how long schemathesis asks (default 45);
TELECINE_SCHEMA_SEED, from which it makes up what it asks (default 1).
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import versions
import world as worlds

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("TELECINE_CACHE") or pathlib.Path.home() / ".cache" / "telecine") / "clients"
# Two at a time: each waits for the server most of the time, and that has two cores where CI runs.
WORKERS = 2
# A client that waits for a server that does not answer would wait for ten minutes, again and again.
CLIENT_LIMIT_S = 240


def pytest(environment: str, *arguments: str) -> list[str]:
    """The command that runs pytest in one of the environments."""
    python = str(CACHE / environment / "bin" / "python")
    options = ["-q", "-p", "no:cacheprovider", "-W", "ignore", f"--rootdir={HERE}", f"--confcutdir={HERE}"]
    return [python, "-m", "pytest", *options, *arguments]


def commands(arguments: list[str]) -> dict[str, list[str]]:
    """What is run, by name."""
    found = {}
    for client in versions.clients():
        folder = HERE / client.generation
        if client.language == "Python":
            found[client.name] = pytest(f"twelvelabs-{client.version}", str(folder), *arguments)
        else:
            files = sorted(str(path) for path in folder.glob("*.test.mjs"))
            # A request that failed leaves a timer behind, for which Node.js would wait a minute.
            options = ["--test-force-exit", "--test-reporter=spec", f"--test-timeout={CLIENT_LIMIT_S * 1000}"]
            found[client.name] = ["node", "--test", *options, *files]
    # The snippets use no SDK: any environment will do.
    found["snippets"] = pytest("twelvelabs-1.3.6", str(HERE / "test_snippets.py"), *arguments)
    # Its command needs the world.
    found["schema"] = []
    return found


def schemathesis(world_file: pathlib.Path) -> list[str]:
    """The command that asks every question of the OpenAPI document, and holds each answer to it."""
    world = json.loads(world_file.read_text())
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    return [
        *(str(CACHE / "schemathesis" / "bin" / "python"), "-m", "schemathesis.cli", "--no-color"),
        *("--config-file", str(HERE / "schema" / "schemathesis.toml")),
        *("run", f"{world['url']}/openapi.json", "--url", f"{world['url']}/v1.3", "-H", f"x-api-key: {world['key']}"),
        *("--checks", checks, "--phases", "coverage,fuzzing", "--continue-on-failure", "--request-timeout", "30"),
        # They are the document itself, and figures about the server.
        *("--exclude-path-regex", "^/(metrics|docs|openapi.json)$"),
        *("--max-time", os.environ.get("TELECINE_SCHEMA_S", "45")),
        *("--seed", os.environ.get("TELECINE_SCHEMA_SEED", "1")),
    ]


def run(name: str, command: list[str], world_file: pathlib.Path) -> tuple[str, int, str]:
    """Runs one client's tests: its name, how it ended, what it said."""
    known = next((client for client in versions.clients() if client.name == name), None)
    environment = {
        **os.environ,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TELECINE_WORLD": str(world_file),
        "SCHEMATHESIS_HOOKS": "schema.hooks",
    }
    if known is not None:
        environment["TELECINE_CLIENT"] = f"{known.generation} {known.version}"
        environment["TELECINE_CLIENT_PLACE"] = str(CACHE / f"{known.package}-{known.version}")
    started = time.monotonic()
    try:
        ended = subprocess.run(
            command, cwd=HERE, env=environment, check=False, timeout=CLIENT_LIMIT_S, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        status, said = ended.returncode, ended.stdout
    except subprocess.TimeoutExpired as expired:
        said = expired.stdout or b""
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        status, said = 1, f"{said}\nnot done after {CLIENT_LIMIT_S} s"
    took = time.monotonic() - started
    return f"{name}: {'passed' if status == 0 else 'FAILED'} in {took:.0f} s ({summary(said)})", status, said


def summary(said: str) -> str:
    """How many tests there were, in the words of pytest or of Node.js."""
    lines = said.strip().splitlines() or [""]
    if generated := [line.strip() for line in lines if line.strip().endswith(" passed") and " generated, " in line]:
        return f"{generated[-1]}; {lines[-3]}"
    counts = [line.removeprefix("ℹ ") for line in lines if line.startswith(("ℹ pass ", "ℹ fail "))]
    return ", ".join(counts) or lines[-1].split(" in ")[0].strip("= ")


def test(wanted: dict[str, list[str]], world_file: pathlib.Path, is_wordy: bool = False) -> int:
    """Runs the tests; the worst exit status."""
    worst = 0
    # Schemathesis comes last and alone: it changes what it can.
    for names in ([name for name in wanted if name != "schema"], [name for name in wanted if name == "schema"]):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            commands = {name: wanted[name] or schemathesis(world_file) for name in names}
            runs = [pool.submit(run, name, command, world_file) for name, command in commands.items()]
            for done in concurrent.futures.as_completed(runs):
                line, status, said = done.result()
                worst = max(worst, status)
                print(f"clients: {line}", flush=True)
                if status != 0 or is_wordy:
                    print(said, flush=True)
    return worst


def in_a_new_world(act: Callable[[pathlib.Path], int], folder: pathlib.Path) -> int:
    """Makes the world, acts in it, and shows the end of the server's log where it did not go well."""
    with worlds.running(folder) as telecine:
        status = act(folder / "world.json")
        if status != 0:
            log = (telecine.folder / "log").read_text(errors="replace").splitlines()
            print("clients: the end of the server's log:", *log[-40:], sep="\n  ", flush=True)
    return status


def keep(world_file: pathlib.Path) -> int:
    """Waits until somebody interrupts."""
    print(f"clients: the world is told in {world_file}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", action="append", help="only this one; may be given several times")
    parser.add_argument("--without", action="append", default=[], help="not this one; may be given several times")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="only make the world, there")
    parser.add_argument("--world", type=pathlib.Path, metavar="FILE", help="the world is there already")
    chosen, arguments = parser.parse_known_args()
    known = commands(arguments)
    if unknown := {*(chosen.client or []), *chosen.without} - set(known):
        parser.error(f"no such client: {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = {name: known[name] for name in chosen.client or known if name not in chosen.without}
    if chosen.world:
        return test(wanted, chosen.world, is_wordy=True)
    if chosen.keep:
        return in_a_new_world(keep, chosen.keep)
    with tempfile.TemporaryDirectory(prefix="telecine-clients-") as folder:
        return max(versions.main(["--check"]), in_a_new_world(lambda file: test(wanted, file), pathlib.Path(folder)))


if __name__ == "__main__":
    # Asked to end, it ends what it started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
