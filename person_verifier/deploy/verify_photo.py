"""Asks a running verifier about one photograph: `python verify_photo.py PHOTO [URL]`; its token from VERIFIER_TOKEN."""

import os
import sys
from pathlib import Path

import httpx


def main() -> None:
    """Print the answer; exit code 0 for me, 1 for not me, 2 for a refusal."""
    photo = Path(sys.argv[1])
    url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8090"
    token = os.environ.get("VERIFIER_TOKEN", "")
    answer = httpx.post(
        f"{url}/verify",
        files={"image": (photo.name, photo.read_bytes())},
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=30,
    )
    print(answer.status_code, answer.json())  # noqa: T201 - the answer is what this example is for
    sys.exit(2 if answer.is_error else 0 if answer.json()["is_me"] else 1)


if __name__ == "__main__":
    main()
