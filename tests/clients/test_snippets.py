"""The documentation's own snippets for a cloud-to-cloud transfer, unchanged but for their placeholders."""

import json
import os
import pathlib
import subprocess

import httpx
import pytest
from shared import World, wait_until

SNIPPETS = pathlib.Path(__file__).parent / "snippets"


@pytest.mark.parametrize("version", ["v1.1", "v1.2"])
@pytest.mark.parametrize("language", ["python", "node"])
def test_a_snippet_prints_a_status_and_fills_an_index(
    world: World, tmp_path: pathlib.Path, language: str, version: str
) -> None:
    commands = {"python": [world.snippet_python, SNIPPETS / "transfers.py"], "node": ["node", SNIPPETS / "transfers.js"]}
    url = f"{world.url}/{version}"
    with httpx.Client(headers={"x-api-key": world.key}) as client:
        engines = [{"engine_name": "marengo2.6", "engine_options": ["visual"]}]
        name = f"snippet {tmp_path.name} {version}"
        index = client.post(f"{url}/indexes", json={"index_name": name, "engines": engines}).json()["_id"]
        entry = {"index_id": index, "language": "en", "object": world.object("captioned.mp4")}
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps([{**entry, "transcription": world.object("captioned.srt")}], indent=2))

        environment = {**os.environ, "API_URL": url, "API_KEY": world.key, "MANIFEST_PATH": str(manifest)}
        ended = subprocess.run(commands[language], env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "Status code: 200" in ended.stdout
        assert "index_task_create" in ended.stdout

        def counts() -> dict[str, int]:
            return client.get(f"{url}/tasks/status", params={"index_id": index}).json()

        wait_until(lambda: counts()["ready"] + counts()["failed"] == 1, "the video indexed")
        assert counts()["ready"] == 1
        client.delete(f"{url}/indexes/{index}").raise_for_status()
