"""An update of a stack that the released version made keeps what it stores: nothing stateful is renamed or replaced."""

import json
from pathlib import Path

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from infra.bundling import ROOT
from tests.infra.conftest import Json, Synthesise

pytestmark = pytest.mark.slow

# The production stage with every store that an option adds (kms=true), as the released version synthesised it.
RELEASED: Json = json.loads((Path(__file__).parent / "released" / "FaceValidation-prod.template.json").read_text())
REGION = "eu-west-1"

# What holds data, or a name or secret that callers keep.
STATEFUL = {
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::Rekognition::Collection",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
}
# Its change replaces a table, under conditions that the schema cannot say.
ALSO_REPLACES = {"AWS::DynamoDB::Table": {"KeySchema"}}


def stateful(template: Json) -> Json:
    return {id_: of for id_, of in template["Resources"].items() if of["Type"] in STATEFUL}


def replacing_properties(kind: str) -> set[str]:
    """The properties of a resource that CloudFormation cannot change in place."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    return {path.split("/")[2] for path in schema.get("createOnlyProperties", [])} | ALSO_REPLACES.get(kind, set())


@pytest.fixture(scope="module")
def updated(synthesise: Synthesise) -> Json:
    return synthesise(stage="prod", kms="true")


def test_the_released_template_holds_every_kind_of_store() -> None:
    assert {resource["Type"] for resource in stateful(RELEASED).values()} == STATEFUL


@pytest.mark.parametrize("logical_id", sorted(stateful(RELEASED)))
def test_a_store_of_the_released_version_is_neither_renamed_nor_replaced(logical_id: str, updated: Json) -> None:
    released = RELEASED["Resources"][logical_id]

    now = updated["Resources"].get(logical_id)

    assert now is not None, f"{logical_id} would be removed: keep its construct's path, or override its logical id"
    assert now["Type"] == released["Type"]
    for name in replacing_properties(released["Type"]):
        assert now["Properties"].get(name) == released["Properties"].get(name), f"a change of {name} replaces it"
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert now.get(policy) == released.get(policy)


@pytest.mark.parametrize("options", [{}, {"release": "canary"}], ids=["default", "release"])
def test_what_an_update_renames_is_listed_one_by_one(synthesise: Synthesise, options: dict[str, str]) -> None:
    page = (ROOT / "docs" / "upgrading.md").read_text()

    gone = RELEASED["Resources"].keys() - synthesise(stage="prod", kms="true", **options)["Resources"].keys()

    assert gone
    for logical_id in gone:
        # CDK writes the hash of all routes behind a deployment's id.
        listed = f"{logical_id[:35]}..." if "FaceValidationDeployment" in logical_id else logical_id
        assert f"`{listed}`" in page, logical_id
