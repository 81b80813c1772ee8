"""What the tests of every package share."""

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from face_validation.local.gateway.api_gateway import Handler
from face_validation.local.gateway.proxy_event import LambdaContext
from face_validation.local.stack import LocalStack, new_handler
from face_validation_function.services.reindex import ReindexService
from tests.answered import Answered, answer_all
from tests.scheduling import ModuleScheduling, arrange, fixtures_of

# A slow machine is not a failure: what is tested is behaviour, and speed has its own benchmarks.
settings.register_profile("behaviour", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("behaviour"), max_examples=25)
settings.load_profile("behaviour")

# This process's variables before its local stack started, and since.
WITHOUT_AND_WITH = pytest.StashKey[tuple[dict[str, str], dict[str, str]]]()


@pytest.fixture(autouse=True, scope="session")
def _no_aws_of_the_developer() -> Iterator[None]:
    """Tests never reach a developer's own AWS account: no profile, no instance metadata, a region of our own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    patch.setenv("AWS_ACCESS_KEY_ID", "local")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def local_stack(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    """The whole stack with real models, one for each test process; for tests marked slow.

    Its functions read their variables at the start, before a test sets others in this process; nothing is written for
    the schedule while another test looks at what it prints; and a reindex does not wait until older requests have
    ended, which has tests of its own.
    """

    def asked_once(module_name: str) -> Handler:
        handler = new_handler(module_name)
        handler({}, LambdaContext(1.0))
        return handler

    before = dict(os.environ)
    with ExitStack() as opened:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("face_validation.local.stack.new_handler", asked_once)
            patch.setattr("face_validation.local.aws.events.EXPIRY_EVERY_S", 3600.0)
            patch.setattr(ReindexService.__init__, "__defaults__", (0,))  # seconds to wait
            stack = opened.enter_context(LocalStack())
        pytestconfig.stash[WITHOUT_AND_WITH] = before, dict(os.environ)
        yield stack


@pytest.fixture(scope="session")
def answered(local_stack: LocalStack) -> Answered:
    """What the handler answers to every event of a validation, asked once for all tests; not to be changed."""
    local_stack.put_samples()
    return answer_all()


@pytest.fixture(scope="session")
def face_data() -> Path:
    """The labelled development images, whose folder FACE_DATA names."""
    folder = os.environ.get("FACE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("FACE_DATA does not name the folder of development images: accuracy and hostile files not tested")
    return Path(folder).resolve()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Without the garbage collector: what is imported and collected stays, and looking through it takes long."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that does not use the local stack finds the same variables whether one runs in this process or not."""
    without, with_stack = item.config.stash.get(WITHOUT_AND_WITH, ({}, {}))
    wanted = with_stack if "local_stack" in fixtures_of(item) else without
    for name in (name for name in without.keys() | with_stack if without.get(name) != with_stack.get(name)):
        if name in wanted:
            os.environ[name] = wanted[name]
        else:
            os.environ.pop(name, None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        arrange(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A half more than there are cores: tests often wait for a process that they started, which keeps one core busy."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + max(1, cores // 2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return ModuleScheduling(config, log) if config.option.dist == "loadfile" else None
