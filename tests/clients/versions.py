"""Owns what versions.json says: which versions of the clients are tested, and which groups of calls each has.

    versions.py        prints the table of docs/CLIENTS.md
    versions.py --check   fails if the table there is another one, or a group has no test in its generation's folder
    versions.py --write   puts the table there
"""

import json
import pathlib
import re
import sys
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "CLIENTS.md"
BEGIN, END = "<!-- made by tests/clients/versions.py -->\n", "<!-- end -->\n"
TOLD = json.loads((HERE / "versions.json").read_text())
GROUPS: dict[str, str] = TOLD["groups"]
NOT_SERVED_YET = frozenset(TOLD["not_served_yet"])


@dataclass(frozen=True)
class Client:
    """One version of one client."""

    generation: str
    language: str
    package: str
    version: str
    groups: frozenset[str]
    #: Groups that its generation has and it has not, with the reason.
    lacks: dict[str, str]

    @property
    def name(self) -> str:
        """Such as `python-1.3.6`."""
        return f"{'js' if self.language == 'JavaScript' else 'python'}-{self.version}"

    @property
    def tested(self) -> frozenset[str]:
        """What is tested today."""
        return self.groups - NOT_SERVED_YET


def clients() -> list[Client]:
    """All of them, oldest first."""
    return [
        Client(name, told["language"], told["package"], version, frozenset(told["groups"]) - set(lacks), lacks)
        for name, told in TOLD["generations"].items()
        for version, lacks in told["versions"].items()
    ]


def client(generation: str, version: str) -> Client:
    """The one of this version."""
    return next(known for known in clients() if (known.generation, known.version) == (generation, version))


def table() -> str:
    """What each version's tests cover, as Markdown: one table per language."""
    lines = []
    for language in ("Python", "JavaScript"):
        shown = [known for known in clients() if known.language == language]
        lines += [f"| {language} | {' | '.join(known.version for known in shown)} |", "|---|" + ":-:|" * len(shown)]
        for group, what in GROUPS.items():
            cells = ["✔" if group in known.tested else "–" for known in shown]
            if "✔" in cells:
                lines.append(f"| {what} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def untested() -> list[str]:
    """Groups that are declared and that no test of the generation claims."""
    missing = []
    for generation, told in TOLD["generations"].items():
        texts = "".join(path.read_text() for path in (HERE / generation).rglob("*.*") if path.suffix in (".py", ".mjs"))
        claimed = set(re.findall(r"\bgroup\(['\"](\w+)['\"]", texts))
        missing += [f"{generation}: {group}" for group in told["groups"] if group not in claimed]
        missing += [f"{generation}: {group} is not declared" for group in claimed - set(told["groups"])]
    return missing


def main(arguments: list[str]) -> int:
    """The command line."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    there, after = rest.split(END)
    match arguments:
        case ["--write"]:
            PAGE.write_text(before + BEGIN + table() + END + after)
        case ["--check"]:
            wrong = untested()
            if there != table():
                wrong.append("the table in docs/CLIENTS.md is another one: run tests/clients/versions.py --write")
            for line in wrong:
                print(f"clients: {line}")
            return 1 if wrong else 0
        case _:
            print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
