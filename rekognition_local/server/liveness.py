"""`/liveness`: a page and an endpoint where a developer declares the outcome of a Face Liveness session."""

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rekognition_local.operations.liveness_sessions import LivenessSessions
from rekognition_local.server.answers import Answers, DeclarationError
from rekognition_local.server.control import control_route
from rekognition_local.server.reach import Reach

RESULTS = "GetFaceLivenessSessionResults"
_PAGE = Path(__file__).with_name("liveness.html")
# The page is shown by no other page, and loads and asks nothing but this server.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; frame-ancestors 'none'"
}


def liveness_routes(sessions: LivenessSessions, answers: Answers, reach: Reach) -> list[Route]:
    """The page, and POST of an answer of GetFaceLivenessSessionResults, which is a declared answer like any other."""

    def declare(document: Any) -> None:
        session_id = document["SessionId"]
        still_open = sessions.open_ids()
        if session_id not in still_open:
            raise DeclarationError(f"There is no open session {session_id!r:.80}: sessions end after three minutes.")
        answers.declare({"answers": [{"operation": RESULTS, "request": {"SessionId": session_id}, "answer": document}]})
        answers.withdraw(RESULTS, lambda asked: "SessionId" in asked and asked["SessionId"] not in still_open)

    async def page(_: Request) -> Response:
        return FileResponse(_PAGE, headers=_HEADERS)

    control = control_route("/liveness", declare, lambda: answers.withdraw(RESULTS, lambda _: True), reach)
    return [Route("/liveness", page, methods=["GET"]), control]
