"""moto's WSGI applications as uvicorn serves them, with the limits that the other servers have for their callers."""

from urllib.parse import unquote_to_bytes

from moto.moto_server.werkzeug_app import BackendRequest
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.wrappers import Response as WsgiResponse

from face_validation.local.aws.post_object import WsgiApp


def as_asgi(app: WsgiApp) -> ASGIApp:
    """The application, each request in a thread once its whole body is there."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        path, query = scope["raw_path"], scope["query_string"].decode("latin-1")
        target = f"{path.decode('latin-1')}?{query}" if query else path.decode("latin-1")
        # The caller's own Host goes along in the headers.
        environ = BackendRequest.from_primitives(request.method, "http://localhost/", request.headers, body).environ
        environ |= {"PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query}
        environ |= {"RAW_URI": target, "REQUEST_URI": target}
        made = await run_in_threadpool(WsgiResponse.from_app, app, environ, buffered=True)
        if content := made.get_data():
            made.headers.setdefault("Content-Length", len(content))
        response = Response(content, made.status_code)
        response.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in made.headers]
        await response(scope, receive, send)

    return Router(default=answer, redirect_slashes=False)
