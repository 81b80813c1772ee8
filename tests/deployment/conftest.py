"""One stage deployed to the emulator by the CDK command line, for every test of this folder."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from face_validation_function.routes import ROUTES
from infra.bundling import MACHINE_ARCHITECTURE, bundle, interpreter_of
from tests.deployment.emulated_aws import ACCOUNT, CDK, REGION, EmulatedAws, emulated_aws, run_cdk
from tests.deployment.patches import COLLECTION_ID, Json, patched

STACK = "FaceValidation-dev"
TEMPLATE = f"{STACK}.template.json"
# What the update changes: the limits of the stage, and a variable of every function.
UPDATE = ("throttle_rate=7", "log_level=INFO")


class Assembly:
    """What `cdk synth` wrote into a folder, with the patched template in place of the synthesised one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.synthesised: Json = json.loads((folder / TEMPLATE).read_text())
        self.write(patched(self.synthesised))

    def write(self, template: Json) -> None:
        """Make `template` the one that is deployed."""
        self.template = template
        (self.folder / TEMPLATE).write_text(json.dumps(template))
        # The template is uploaded under a name of its own, as the command line would after a synth.
        manifest = json.loads((self.folder / "manifest.json").read_text())
        old = manifest["artifacts"][STACK]["properties"]["stackTemplateAssetObjectUrl"].rsplit("/", 1)[1][:-5]
        new = hashlib.sha256(json.dumps(template).encode()).hexdigest()
        for name in ("manifest.json", f"{STACK}.assets.json"):
            file = self.folder / name
            file.write_text(file.read_text().replace(old, new))


@dataclass(frozen=True)
class Deployment:
    """The deployed stage, as its operator and its callers see it."""

    aws: EmulatedAws
    first: Assembly
    second: Assembly

    def deploy(self, assembly: Assembly) -> str:
        """`cdk deploy`; returns what it printed, and raises when it failed."""
        run = self.aws.cdk("deploy", STACK, "--app", str(assembly.folder), "--require-approval", "never")
        if run.returncode != 0:
            raise RuntimeError(run.stdout[-3000:])
        return run.stdout

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        (stack,) = self.aws.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def physical_id(self, logical_id: str) -> str:
        """The name that CloudFormation gave to one resource."""
        resource = self.aws.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical_id
        )
        found: str = resource["StackResourceDetail"]["PhysicalResourceId"]
        return found

    def function(self, id_: str) -> Json:
        """The configuration of the function whose logical id begins with `id_`, as Lambda has it."""
        (logical_id,) = (
            name
            for name, resource in self.first.template["Resources"].items()
            if resource["Type"] == "AWS::Lambda::Function" and name.startswith(id_)
        )
        configuration: Json = self.aws.client("lambda").get_function_configuration(
            FunctionName=self.physical_id(logical_id)
        )
        return configuration

    def token(self, *scopes: str, secret: str | None = None) -> httpx.Response:
        """The answer of the token endpoint to the first app client."""
        client = self.aws.client("cognito-idp").describe_user_pool_client(
            UserPoolId=self.outputs["UserPoolId"], ClientId=self.outputs["ClientId"]
        )["UserPoolClient"]
        return self.aws.http.post(
            f"{self.aws.endpoint}/oauth2/token",
            data={"grant_type": "client_credentials", "scope": " ".join(scopes)},
            auth=(self.outputs["ClientId"], secret or client["ClientSecret"]),
            headers={"Host": httpx.URL(self.outputs["TokenUrl"]).host},
        )

    @cached_property
    def _all_scopes(self) -> str:
        token: str = self.token(*sorted({route.scope for route in ROUTES})).json()["access_token"]
        return token

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        """One request to the API: with a token of every scope unless `token` is given; "" sends none."""
        token = self._all_scopes if token is None else token
        api_id = httpx.URL(self.outputs["ApiUrl"]).host.split(".")[0]
        return self.aws.http.request(
            method,
            f"{self.aws.endpoint}/_aws/execute-api/{api_id}/dev{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def put(self, bucket: str, key: str, image: bytes, **more: Any) -> None:
        """Put an image into the bucket of that output."""
        self.aws.client("s3").put_object(Bucket=self.outputs[bucket], Key=key, Body=image, **more)


@pytest.fixture(scope="session")
def interpreter() -> Path:
    """Runs the deployed functions: the runtime's Python, or this one where that is not installed."""
    return interpreter_of() or Path(sys.executable)


@pytest.fixture(scope="session")
def aws(interpreter: Path) -> Iterator[EmulatedAws]:
    """The emulator, bootstrapped for CDK."""
    if not CDK.exists():
        pytest.skip("the CDK command line is not installed: `make deploy-check` does it")
    with emulated_aws(interpreter) as running:
        bootstrap = running.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}")
        assert bootstrap.returncode == 0, bootstrap.stdout[-3000:]
        yield running


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Assembly, Assembly]:
    """Two synths of the development stage for this machine's architecture; the second one is an update."""
    folders = [tmp_path_factory.mktemp("assemblies") / name for name in ("first", "second")]
    arguments: list[tuple[str, ...]] = [
        ("synth", "-q", "-c", f"arch={MACHINE_ARCHITECTURE}", "-o", str(folder)) for folder in folders
    ]
    arguments[1] += tuple(word for choice in UPDATE for word in ("-c", choice))
    with ThreadPoolExecutor(2) as pool:
        for run in pool.map(lambda one: run_cdk(*one), arguments):
            assert run.returncode == 0, run.stdout[-3000:]
    for folder in folders:
        _for_this_interpreter(folder)
    first, second = (Assembly(folder) for folder in folders)
    return first, second


@pytest.fixture(scope="session")
def deployed(aws: EmulatedAws, assemblies: tuple[Assembly, Assembly]) -> Deployment:
    """The first assembly, deployed."""
    aws.rekognition().create_collection(CollectionId=COLLECTION_ID)
    deployment = Deployment(aws, *assemblies)
    deployment.deploy(deployment.first)
    return deployment


def _for_this_interpreter(folder: Path) -> None:
    """Bundle anew for this Python where the runtime's own is not installed: the emulator runs functions on it."""
    if interpreter_of() is None:
        for asset in folder.glob("asset.*/face_validation_function"):
            shutil.rmtree(asset.parent)
            asset.parent.mkdir()
            bundle(asset.parent, MACHINE_ARCHITECTURE, python=f"{sys.version_info.major}.{sys.version_info.minor}")
