"""moto's WSGI applications as uvicorn serves them, with the limits that the other servers have for their callers."""

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
        # The caller's own Host goes along in the headers; this one is only for the address to be a whole one.
        url = f"http://localhost{scope['raw_path'].decode('latin-1')}?{request.url.query}"
        environ = BackendRequest.from_primitives(request.method, url, request.headers, body).environ
        made = await run_in_threadpool(WsgiResponse.from_app, app, environ, buffered=True)
        if content := made.get_data():
            made.headers.setdefault("Content-Length", len(content))
        response = Response(content, made.status_code)
        response.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in made.headers]
        await response(scope, receive, send)

    return Router(default=answer, redirect_slashes=False)
