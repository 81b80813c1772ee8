"""Where everything of a running local stack is."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StackInfo:
    """What a client, or a function run elsewhere, needs to use the stack; `api_url` is with the stage."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: str
    s3_endpoint: str
    source_bucket: str
    target_bucket: str
    claims_table: str
    rekognition_endpoint: str
    faces_bucket: str
    faces_table: str
    collection_id: str
    dead_letter_queue_url: str
    events_queue_url: str
    jobs_bucket: str
    jobs_table: str
    state_machine_arn: str
    pid: int = field(default_factory=os.getpid)

    def write(self, path: Path) -> None:
        """Write it as JSON, for scripts; the file appears whole or not at all, readable by its owner only."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(path)
