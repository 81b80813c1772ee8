"""S3's POST Object on this machine: the policy is enforced as S3 does, which moto does not do.

Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

Answer = Callable[[dict[str, Any]], Response]
"""A server: the answer to one request, which is given as WSGI's variables."""

# Fields that a policy need not name, beside those that begin with x-ignore-.
UNSIGNED_FIELDS = frozenset({"policy", "x-amz-signature"})
MAX_FORM_BYTES = 16 * 1024 * 1024
_FORBIDDEN = {
    "AccessDenied": "Access Denied",
    "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided.",
}
_MESSAGES = {
    **_FORBIDDEN,
    "EntityTooLarge": "Your proposed upload exceeds the maximum allowed size",
    "EntityTooSmall": "Your proposed upload is smaller than the minimum allowed size",
    "IncompleteBody": "The request body broke off.",
    "InvalidArgument": "POST requires exactly one file upload per request.",
    "InvalidPolicyDocument": "Invalid Policy.",
    "MalformedPOSTRequest": "The body of your POST request is not well-formed multipart/form-data.",
}


class PolicyRefusedError(Exception):
    """An upload that S3 would refuse, with its error code; by default in S3's usual words for it."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(message or _MESSAGES[code])
        self.code = code
        self.status = HTTPStatus.FORBIDDEN if code in _FORBIDDEN else HTTPStatus.BAD_REQUEST


def with_forms(s3: Answer, secret_access_key: str, environ: dict[str, Any]) -> Response:
    """An S3 server's answer, to which a form POST whose policy holds goes on as the PUT that it stands for."""
    is_form = environ.get("CONTENT_TYPE", "").lower().startswith("multipart/form-data")
    if environ["REQUEST_METHOD"] != "POST" or not is_form:
        return s3(environ)
    try:
        put = _as_put(environ, secret_access_key)
    except PolicyRefusedError as refused:
        told = f"<Error><Code>{refused.code}</Code><Message>{escape(str(refused))}</Message></Error>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{told}'
        return Response(body, refused.status, mimetype="application/xml")
    answer = s3(put)
    if answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        answer.headers.remove("Content-Length")
        answer.headers.remove("Content-Type")
        answer.status_code = HTTPStatus.NO_CONTENT
    return answer


def _as_put(environ: dict[str, Any], secret: str) -> dict[str, Any]:
    fields, data = _fields_and_file(environ)
    bucket = environ["PATH_INFO"].strip("/")
    check_policy({**fields, "bucket": bucket}, len(data), secret, datetime.now(UTC))
    metadata = {name: value for name, value in fields.items() if name.startswith("x-amz-meta-")}
    path = f"/{bucket}/{fields['key']}"
    return {
        **{name: value for name, value in environ.items() if name != "HTTP_CONTENT_LENGTH"},
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in metadata.items()},
        "REQUEST_METHOD": "PUT",
        # Who signed the policy puts the object: moto lets nobody unnamed replace one.
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={fields['x-amz-credential']}",
        "PATH_INFO": path,
        "RAW_URI": quote(path),
        "REQUEST_URI": quote(path),
        "CONTENT_TYPE": fields.get("content-type", "binary/octet-stream"),
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": BytesIO(data),
    }


def _fields_and_file(environ: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """The fields before the file, by lower-case name, and the file: S3 ignores what comes after it.

    All in memory, which the limit bounds: a temporary file would stay open when the form breaks off.
    """
    _, options = parse_options_header(environ["CONTENT_TYPE"])
    try:
        body = get_input_stream(environ, max_content_length=MAX_FORM_BYTES).read()
        decoder = MultipartDecoder(options.get("boundary", "").encode(), max_form_memory_size=None)
        decoder.receive_data(body)
        decoder.receive_data(None)
        fields: dict[str, str] = {}
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, (Field, File)):
                name, content = event.name.lower(), _content(decoder)
                if name == "file":
                    return fields, content
                fields[name] = content.decode("utf-8")
    except RequestEntityTooLarge as error:
        raise PolicyRefusedError("EntityTooLarge") from error
    except ClientDisconnected as error:
        raise PolicyRefusedError("IncompleteBody") from error
    except ValueError as error:
        raise PolicyRefusedError("MalformedPOSTRequest") from error
    raise PolicyRefusedError("InvalidArgument")


def _content(decoder: MultipartDecoder) -> bytes:
    parts = []
    while isinstance(event := decoder.next_event(), Data):
        parts.append(event.data)
        if not event.more_data:
            return b"".join(parts)
    raise ValueError("the form ends within a field")


def check_policy(fields: Mapping[str, str], size: int, secret: str, now: datetime) -> None:
    """Refuse a form unless its policy is signed with `secret`, has not expired, and every condition holds.

    `fields` are the form's by lower-case name, with `bucket`, without the file; `size` is the file's, in bytes.
    """
    policy = _signed_policy(fields, secret)
    try:
        expires = datetime.fromisoformat(str(policy["expiration"]))
        conditions = list(policy["conditions"])
    except (KeyError, ValueError, TypeError) as error:
        raise PolicyRefusedError("InvalidPolicyDocument") from error
    if expires <= now:
        raise PolicyRefusedError("AccessDenied", "Invalid according to Policy: Policy expired.")
    named = {name for condition in conditions for name in [_check_condition(condition, fields, size)] if name}
    unsigned = UNSIGNED_FIELDS | {name for name in fields if name.startswith("x-ignore-")}
    extra = sorted(set(fields) - named - unsigned - {"bucket"})
    if extra:
        raise PolicyRefusedError("AccessDenied", f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")


def _signed_policy(fields: Mapping[str, str], secret: str) -> dict[str, Any]:
    try:
        document = fields["policy"]
        _, day, region, service, terminator = fields["x-amz-credential"].split("/")
        key = f"AWS4{secret}".encode()
        for part in (day, region, service, terminator):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, document.encode(), hashlib.sha256).hexdigest()
    except (KeyError, ValueError) as error:
        raise PolicyRefusedError("AccessDenied") from error
    # As bytes: of text it compares ASCII only.
    if not hmac.compare_digest(signature.encode(), fields.get("x-amz-signature", "").encode()):
        raise PolicyRefusedError("SignatureDoesNotMatch")
    try:
        policy = json.loads(base64.b64decode(document))
    except ValueError as error:
        raise PolicyRefusedError("InvalidPolicyDocument") from error
    return policy if isinstance(policy, dict) else {}


def _check_condition(condition: Any, fields: Mapping[str, str], size: int) -> str | None:
    """The field that a condition names; None for the one on the file's length."""
    if isinstance(condition, dict):
        ((name, wanted),) = condition.items()
        kind = "eq"
    else:
        kind, name, wanted = condition[0], str(condition[1]).removeprefix("$"), condition[-1]
    if kind == "content-length-range":
        if size > int(condition[2]):
            raise PolicyRefusedError("EntityTooLarge")
        if size < int(condition[1]):
            raise PolicyRefusedError("EntityTooSmall")
        return None
    name = str(name).lower()
    found = fields.get(name, "")
    if not (found.startswith(str(wanted)) if kind == "starts-with" else found == str(wanted)):
        shown = json.dumps([kind, f"${name}", wanted])
        raise PolicyRefusedError("AccessDenied", f"Invalid according to Policy: Policy Condition failed: {shown}")
    return name
