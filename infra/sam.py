"""`sam local` on the synthesised template, against the local stack: `python -m infra.sam invoke validation event.json`.

sam gives a function only the variables that the template declares. So a copy of the template is written beside the
asset, with the local stack's names and addresses in it, and sam reads the copy.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.bundling import MACHINE_ARCHITECTURE, ROOT

Template = Mapping[str, Any]

ASSEMBLY = ROOT / "build" / "cdk" / f"dev-{MACHINE_ARCHITECTURE}"
LOOPBACK = "127.0.0.1"
LOCAL_TEMPLATE = "local.template.json"
# Where each of AWS's services is, by the local stack's own names for the addresses.
ENDPOINTS = {
    **{f"AWS_ENDPOINT_URL_{name}": "s3_endpoint" for name in ("S3", "DYNAMODB", "SQS", "SFN", "EVENTBRIDGE", "KMS")},
    "AWS_ENDPOINT_URL_REKOGNITION": "rekognition_endpoint",
}
# sam hands its own AWS settings to the function: these open no account. A table is there in its own region alone.
SAM_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "SAM_CLI_TELEMETRY": "0",
}


def function_ids(template: Template) -> dict[str, str]:
    """The service's functions: name -> logical id in the template. CDK's own functions are not among them."""
    paths = {id_: one.get("Metadata", {}).get("aws:cdk:path", "") for id_, one in template["Resources"].items()}
    return {path.split("/")[-3].lower(): id_ for id_, path in paths.items() if path.endswith("/Function/Resource")}


def local_template(template: Template, stack: Mapping[str, str], host: str = LOOPBACK) -> dict[str, Any]:
    """A copy whose functions find the local stack.

    Args:
        template: as `cdk synth` wrote it.
        stack: what `face-validation local --info FILE` wrote into the file.
        host: under which the container reaches this machine's 127.0.0.1.

    Raises:
        ValueError: a function has a variable that is a reference, and `stack` has no value for it.
    """
    changed = copy.deepcopy(dict(template))
    stack = {name: str(value).replace(f"//{LOOPBACK}:", f"//{host}:") for name, value in stack.items()}
    for name, logical_id in function_ids(template).items():
        variables = changed["Resources"][logical_id]["Properties"]["Environment"]["Variables"]
        for variable, value in variables.items():
            if variable.lower() in stack:
                variables[variable] = stack[variable.lower()]
            elif not isinstance(value, str):
                raise ValueError(
                    f"The {name} function's {variable} is {value}, and the local stack's file has no "
                    f"{variable.lower()}: write the file anew with this version's `face-validation local --info`."
                )
        variables |= {variable: stack[address] for variable, address in ENDPOINTS.items()}
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the copy and run sam; returns sam's exit status."""
    chosen, options = _parser().parse_known_args(arguments)
    (source,) = chosen.assembly.glob("FaceValidation-*.template.json")
    template = json.loads(source.read_text())
    changed = local_template(template, json.loads(chosen.info.read_text()), chosen.host)
    (chosen.assembly / LOCAL_TEMPLATE).write_text(json.dumps(changed, indent=1))
    command = [chosen.sam, "local", chosen.command, "--template", LOCAL_TEMPLATE]
    if chosen.command == "invoke":
        command += [function_ids(template)[chosen.function], "--event", str(chosen.event.resolve())]
    # A variable of sam's caller would stand in for the function's own.
    functions = (changed["Resources"][logical_id]["Properties"] for logical_id in function_ids(template).values())
    own = {name for function in functions for name in function["Environment"]["Variables"]}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name not in own}
    # The asset's path in the template is relative to the assembly.
    run = subprocess.run(  # noqa: S603 - no shell; runs as the operator, who gave the words
        [*command, *options], cwd=chosen.assembly, env=kept | SAM_VARIABLES, check=False
    )
    return run.returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m infra.sam", description="Options that are not listed here go to sam.")
    parser.add_argument("--info", type=Path, default="stack.json", help="written by `face-validation local --info`")
    parser.add_argument("--assembly", type=Path, default=ASSEMBLY, help="folder that `make synth` wrote")
    parser.add_argument("--host", default=LOOPBACK, help="this machine in a container, such as host.docker.internal")
    parser.add_argument("--sam", default="sam", help="the sam program")
    commands = parser.add_subparsers(dest="command", required=True)
    invoke = commands.add_parser("invoke", help="one event, one answer")
    invoke.add_argument("function", help="validation, people, indexing: the name of the function's construct")
    invoke.add_argument("event", type=Path, help="a file of events/")
    commands.add_parser("start-api", help="the API on this machine, without its authorizer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
