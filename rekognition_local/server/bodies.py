"""The bodies of requests: read up to a limit, and unpacked where they are packed."""

import zlib

from starlette.requests import ClientDisconnect, Request

from rekognition_local.protocol.wire import ServiceError

# CompareFaces with two images of 5 MB in base64, and room for the rest.
MAX_BODY_BYTES = 16 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request) -> bytes:
    """The body, at most MAX_BODY_BYTES before and after unpacking.

    Raises:
        ServiceError: RequestEntityTooLargeException, or SerializationException when it broke off or is packed in a way
            that it does not say.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise _too_large()
    except ClientDisconnect as error:
        raise ServiceError("SerializationException", "The request broke off.") from error
    match request.headers.get("content-encoding", "identity").lower():
        case "identity":
            return bytes(body)
        case "gzip":
            return _unpacked(bytes(body))
        case other:
            raise ServiceError("SerializationException", f"The body's encoding is {other:.40}; gzip or none is read.")


def _unpacked(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise ServiceError("SerializationException", f"The body is not gzip: {error}") from error
    if len(content) > MAX_BODY_BYTES:
        raise _too_large()
    if not unpacking.eof:
        raise ServiceError("SerializationException", "The body's gzip data breaks off.")
    return content


def _too_large() -> ServiceError:
    return ServiceError("RequestEntityTooLargeException", f"The request has more than {MAX_BODY_BYTES} bytes.")
