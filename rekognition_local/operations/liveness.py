"""Face Liveness: no video is taken and nothing is detected here; a developer declares the outcome of each session."""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from rekognition_local.operations.faces import bounding_box
from rekognition_local.operations.liveness_sessions import LivenessSession
from rekognition_local.operations.service import Service
from rekognition_local.protocol.wire import ServiceError, read_blob

Reply = dict[str, Any]


def create_face_liveness_session(service: Service, request: Reply) -> Reply:
    """CreateFaceLivenessSession."""
    return {"SessionId": service.liveness.create(service.gallery.region, request).session_id}


def get_face_liveness_session_results(
    service: Service, request: Reply, declared: Mapping[str, Any] = MappingProxyType({"Status": "CREATED"})
) -> Reply:
    """GetFaceLivenessSessionResults: what was declared, but not after the session's end.

    Its images are within its limit and in its place; one without a box gets that of its largest face.
    """
    session = service.liveness.find(service.gallery.region, request["SessionId"])
    named = {"SessionId": session.session_id}
    if service.liveness.is_over(session):
        return {**named, "Status": "EXPIRED"}
    reply = {**declared, **named}
    if declared["Status"] == "SUCCEEDED":
        reply.setdefault("Challenge", dict(session.challenge))
    if "ReferenceImage" in declared:
        reply["ReferenceImage"] = _image(service, session, declared["ReferenceImage"], "reference")
    if "AuditImages" in declared:
        images = list(declared["AuditImages"])[: session.audit_images]
        reply["AuditImages"] = [_image(service, session, one, f"audit-{place}") for place, one in enumerate(images)]
    return reply


def _image(service: Service, session: LivenessSession, image: Mapping[str, Any], name: str) -> Reply:
    """An image of the session with its face's box; its bytes in the session's bucket where there is one."""
    found = dict(image)
    if "Bytes" not in found:
        return found
    file = read_blob(found["Bytes"])
    if "BoundingBox" not in found:
        with suppress(ServiceError):  # declared as an image that cannot be read
            faces = service.engine.detect(service.images.read({"Bytes": file}).pixels)
            found |= {"BoundingBox": bounding_box(faces[0])} if faces else {}
    if session.output is not None:
        bucket = session.output["S3Bucket"]
        key = f"{session.output.get('S3KeyPrefix', '')}{session.session_id}/{name}.jpg"
        service.images.keep(bucket, key, file)
        del found["Bytes"]
        found["S3Object"] = {"Bucket": bucket, "Name": key}
    return found
