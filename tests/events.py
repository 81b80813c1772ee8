"""The events of API Gateway and S3: those under `events/`, and others made from them as `event_cases.json` says."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from face_validation_function.routes import ROUTES

FOLDER = Path(__file__).parents[1] / "events"
TEMPLATE = FOLDER / "face_to_face_match.json"
S3_TEMPLATE = FOLDER / "people" / "s3_photo.json"

Event = dict[str, Any]


@cache
def _cases() -> dict[str, dict[str, Any]]:
    cases: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "event_cases.json").read_text())
    return cases


def validation_events() -> dict[str, Event]:
    """Every event of POST /validation, by name."""
    made = {name: _rest_event(**{"route": "POST /validation"} | case) for name, case in _cases()["validation"].items()}
    return _stored(FOLDER) | made


def people_events() -> dict[str, Event]:
    """Every event of the routes about people, and of S3 (whose names begin with `s3_`)."""
    made = {name: _rest_event(**case) for name, case in _cases()["people"].items()}
    of_s3 = {name: _s3_event(objects) for name, objects in _cases()["s3"].items()}
    return _stored(FOLDER / "people") | made | of_s3 | deepcopy(_cases()["whole"])


def job_events() -> dict[str, Event]:
    """Every event of the routes about jobs, in an order in which each finds what it asks for."""
    made = {name: _rest_event(**case) for name, case in _cases()["jobs"].items()}
    return _stored(FOLDER / "jobs") | made


def _stored(folder: Path) -> dict[str, Event]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def _rest_event(
    route: str,
    path: str | None = None,
    body: object = None,
    query: dict[str, str] | None = None,
    path_parameters: dict[str, str] | None = None,
) -> Event:
    """The template with another route, path, query and body; a body that is text is sent as it stands."""
    event: Event = json.loads(TEMPLATE.read_text())
    method, resource = route.split(" ")
    (scope,) = (one.scope for one in ROUTES if (one.method, one.resource) == (method, resource))
    event |= {
        "httpMethod": method,
        "resource": resource,
        "path": path or resource,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": path_parameters,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
    }
    event["requestContext"] |= {"httpMethod": method, "resourcePath": resource, "path": f"/dev{event['path']}"}
    event["requestContext"]["authorizer"]["claims"]["scope"] = scope
    if event["body"] is None:
        del event["headers"]["Content-Type"], event["multiValueHeaders"]["Content-Type"]
    return event


def _s3_event(objects: list[dict[str, Any]]) -> Event:
    """The template's record for each object, in the order of their arrival."""
    (record,) = json.loads(S3_TEMPLATE.read_text())["Records"]
    records = [deepcopy(record) for _ in objects]
    for place, (one, stored) in enumerate(zip(records, objects, strict=True), 1):
        one["s3"]["object"] |= {**stored, "sequencer": f"{0x006920 << 48 | place:018x}"}
    return {"Records": records}
