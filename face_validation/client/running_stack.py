"""The local stack that runs on this machine now: it leaves a file with its addresses, which later commands find."""

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ANSWER_TIMEOUT_S = 1.0


def running_stack_file(environment: Mapping[str, str] | None = None) -> Path:
    """The file of the stack that runs: FACE_VALIDATION_STACK, or `face-validation/stack.json` among the user's state.

    It is there while a stack runs, readable by its owner only: it holds the stack's secret.
    """
    variables = os.environ if environment is None else environment
    if chosen := variables.get("FACE_VALIDATION_STACK"):
        return Path(chosen)
    import platformdirs  # here: a client with settings of its own never asks

    return platformdirs.user_state_path("face-validation") / "stack.json"


def running_stack(environment: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """The addresses, credentials and process id of the stack that runs; None when none answers."""
    try:
        info = json.loads(running_stack_file(environment).read_text("utf-8"))
        address = urlsplit(str(info["api_url"]))
        # A stack that was killed leaves its file behind.
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=ANSWER_TIMEOUT_S):
            return dict(info)
    except (OSError, ValueError, KeyError, TypeError):
        return None
