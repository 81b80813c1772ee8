"""Shell blocks that are marked `<!-- run: PATTERN -->` are run as they stand, against the local stack."""

import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from face_validation.local.samples.questions import sample_files, sample_jpeg
from face_validation.local.stack import LocalStack
from tests.docs.pages import PAGES, ROOT, shell_blocks

pytestmark = pytest.mark.slow

RUN = [page for page in PAGES if any(block.expected is not None for block in shell_blocks(page))]
END_OF_BLOCK = "--- end of block ---"


@pytest.fixture
def workplace(tmp_path: Path, local_stack: LocalStack) -> Path:
    """A folder with the commands on its path, the stack's info file and three photos."""
    local_stack.put_samples()
    command = tmp_path / "bin" / "face-validation"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m face_validation.cli.app "$@"\n')
    command.chmod(0o755)
    info = tmp_path / "stack.json"
    local_stack.info.write(info)
    (tmp_path / "passport.jpg").write_bytes(sample_files()["samples/passport-collins.jpg"])
    (tmp_path / "selfie.jpg").write_bytes(sample_files()["samples/collins-again.jpg"])
    (tmp_path / "ana.jpg").write_bytes(sample_jpeg("hopper"))
    return tmp_path


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_the_marked_blocks_of_a_page_work_one_after_the_other(
    page: Path, workplace: Path, local_stack: LocalStack
) -> None:
    blocks = [block for block in shell_blocks(page) if block.expected is not None]
    script = f"\necho '{END_OF_BLOCK}'\n".join(block.text for block in blocks)
    variables = {
        **os.environ,
        **{name.upper(): str(value) for name, value in asdict(local_stack.info).items()},
        "PATH": f"{workplace / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        # The blocks find the stack as they do after `face-validation local --background`.
        "FACE_VALIDATION_STACK": str(workplace / "stack.json"),
    }

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=workplace,
        env=variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    outputs = done.stdout.split(END_OF_BLOCK)
    for block, output in zip(blocks, outputs, strict=True):
        assert re.search(block.expected or "", output), f"{block.text}\n{output}"
