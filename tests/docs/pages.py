"""The documentation as the tests read it: pages, their tables and their shell blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
EVERY_TEXT = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "MODEL_CARD.md", *PAGES]
EVERY_TEXT += sorted((ROOT / "docs" / "decisions").glob("*.md"))

_FENCED = re.compile(
    r"(?:<!-- run: (?P<expected>.*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ShellBlock:
    """A shell block of a page; `expected` is what its output must hold, None where it is not run."""

    text: str
    expected: str | None

    def commands(self, program: str) -> Iterator[list[str]]:
        """The words after every call of a program."""
        for line in self.text.replace("\\\n", " ").splitlines():
            for call in re.findall(rf"(?:^|[\s(/]){program}((?:\s+[^|&;)#]*)?)", line):
                yield call.split()


def shell_blocks(page: Path) -> list[ShellBlock]:
    """Every shell block of a page, in order."""
    found = _FENCED.finditer(page.read_text("utf-8"))
    return [ShellBlock(one["text"], one["expected"]) for one in found if one["language"] in {"sh", "bash"}]


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table after a heading of a page, without its own head."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    section = text.split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert rows is not None, f"{page} has no table after {heading}"
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows[0].splitlines()]
    return cells[2:]


def code_words(cell: str) -> list[str]:
    """What stands between backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)
