"""The verifier behind gunicorn: loaded once, then forked into workers that finish what they began before they stop."""

import gc
import json
import logging
import logging.config
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import uvicorn
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from person_verifier.errors import ModelError
from person_verifier.serving.application import Application
from person_verifier.serving.settings import ServerSettings
from person_verifier.serving.verifier import Verifier
from person_verifier.training.model import VerifierModel
from rekognition_local.engine import DetectedFace, Engine
from rekognition_local.server.connections import BoundedProtocol, PatientServer, admit_no_more
from rekognition_local.server.process import give_large_blocks_back

MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn makes a private, unlinked file there

log = logging.getLogger("person_verifier")


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, process, event, and the facts given as `extra={"facts": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "pid": record.process,
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class UvicornWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's process with uvicorn in it, on connections whose every wait has an end."""

    def run(self) -> None:
        """Serve until told to stop; gunicorn's master ends the process when that takes longer than its grace."""
        config = uvicorn.Config(
            self.wsgi,
            http=BoundedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=self.cfg.keepalive,
            timeout_notify=int(self.timeout),
            callback_notify=self.is_alive,
        )
        PatientServer(config, shared=True).run(sockets=self.sockets)

    async def is_alive(self) -> None:
        """Tell the master, which replaces a worker that hangs."""
        self.notify()


class PatientArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """A master that lets requests under way be answered at SIGINT, too; a second one hurries, as does SIGQUIT."""

    def handle_int(self) -> None:
        """Stop as at SIGTERM."""
        self.handle_term()

    def stop(self, graceful: bool = True) -> None:
        """Let nobody in any more, then stop; unless another master (USR2, systemd) has the listeners too."""
        if not (self.systemd or self.reexec_pid or self.master_pid):
            for listener in self.LISTENERS:
                admit_no_more(listener.sock)
        super().stop(graceful)


class VerifierServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with the verifier in it."""

    def __init__(self, app: Application, settings: ServerSettings) -> None:
        self._app, self._settings = app, settings
        super().__init__()

    def load_config(self) -> None:
        """Our settings in gunicorn's words."""
        settings, host = self._settings, self._settings.host
        for name, value in {
            "bind": f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": UvicornWorker,
            "preload_app": True,
            "graceful_timeout": settings.graceful_timeout_s,
            "keepalive": 15,
            "timeout": 60,
            "control_socket_disable": True,
            "proc_name": "person-verifier",
            # Heartbeat files in memory: a slow disk must not look like a worker that hangs.
            "worker_tmp_dir": str(MEMORY) if MEMORY.is_dir() else None,
            "worker_exit": leave,
            "logconfig_dict": logging_configuration(settings.log_level),
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        """The application, made before the workers are forked from this process."""
        return self._app

    def run(self) -> None:
        """Serve until told to stop."""
        PatientArbiter(self).run()


def serve(load_engine: Callable[[], Engine], settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first.

    Without a usable model it serves 503, and the log says why, so that the health check tells what is wrong.
    """
    logging.config.dictConfig(logging_configuration(settings.log_level))
    # Before the engine, whose loading starts threads: the workers' threads would take over their malloc arenas.
    give_large_blocks_back()
    cv2.setNumThreads(1)  # a worker per core needs no threads inside, and threads would not survive the fork
    engine = load_engine()
    judge = None
    try:
        judge = Verifier(engine, VerifierModel.load(settings.model))
    except ModelError as error:
        log.error("no model", extra={"facts": {"reason": str(error)}})  # noqa: TRY400 - expected: no traceback
    else:
        warm_up(engine)
        log.info("model loaded", extra={"facts": {"model_version": judge.model_version, "model": str(settings.model)}})
    application = Application(judge, settings)
    # What workers share they must not touch: the collector would write into all of it.
    gc.collect()
    gc.freeze()
    VerifierServer(application, settings).run()


def leave(server: object, worker: object) -> None:  # noqa: ARG001 - gunicorn's hook gives both
    """End a worker that has answered everything, without the interpreter's own clean-up.

    onnxruntime's would join a thread that it started in the master, which a forked process does not have, and abort.
    """
    logging.shutdown()
    os._exit(0)


def warm_up(engine: Engine) -> None:
    """Run the networks once, so that the first request of each worker is as fast as the next."""
    image = np.full((320, 320, 3), 127, np.uint8)
    points = np.array([[0.4, 0.4], [0.6, 0.4], [0.5, 0.5], [0.4, 0.6], [0.6, 0.6]], np.float32)
    engine.detect(image)
    engine.embed(image, [DetectedFace(0.3, 0.3, 0.4, 0.4, 99.0, points)])


def logging_configuration(level: str) -> dict[str, Any]:
    """JSON lines on standard output for everything."""
    ours = {"level": level, "handlers": ["console"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"console": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["console"]},
        "loggers": {"person_verifier": ours, "gunicorn.error": ours},
    }
