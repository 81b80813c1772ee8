"""A container runtime for the checks: Docker where there is one, else podman with base images made from Debian."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.bundling import ROOT
from infra.pip import pip_environment

FOLDER = ROOT / "build" / "containers"
# trixie carries Python 3.13, as Lambda's runtime does.
SUITE = "trixie"
BASE_IMAGE = f"localhost/debian-python:{SUITE}"
APT_PACKAGES = {"podman": "podman", "runc": "runc", "debootstrap": "debootstrap"}
NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")
RUNTIME_WRAPPER = Path(__file__).with_name("runc_without_limits")
# The ports of 127.0.0.1 that containers reach, read by the wrapper.
LOOPBACK_PORTS = FOLDER / "loopback_ports"
START_TIMEOUT_S = 30
# runc and debootstrap lie where not every user's PATH leads.
SEARCH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

SETTINGS = """[containers]
netns = "host"
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[engine.runtimes]
runc = ["{wrapper}"]
"""


class NoContainersError(Exception):
    """Containers cannot be run here; the text is what the runtime said."""


@dataclass(frozen=True, slots=True)
class ContainerRuntime:
    """What a program that speaks Docker's API needs: the variables that lead it to the runtime.

    `can_pull` is whether images come from their registries; else they have to be made first, by `Podman`.
    """

    variables: Mapping[str, str]
    can_pull: bool

    def reach(self, *ports: int) -> None:
        """Let the containers that start from now on reach these ports of this machine's 127.0.0.1."""
        if not self.can_pull:
            LOOPBACK_PORTS.write_text(" ".join(str(port) for port in ports))


class Podman:
    """podman with its images under build/, on settings that need neither cgroups nor limits of the kernel."""

    def __init__(self, storage_driver: str) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        settings = FOLDER / "containers.conf"
        settings.write_text(SETTINGS.format(wrapper=RUNTIME_WRAPPER))
        self.variables = {"CONTAINERS_CONF": str(settings)}
        store = FOLDER / f"store-{storage_driver}"
        self._podman = ["podman", "--storage-driver", storage_driver, "--root", str(store)]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run podman to its end; failing is an answer."""
        return subprocess.run(
            [*self._podman, *arguments],
            env=os.environ | self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def import_image(self, tag: str, folder: Path) -> None:
        """Make an image of one layer out of a folder."""
        excluded = [f"--exclude=./{path}" for path in NOT_NEEDED]
        with subprocess.Popen(["tar", "--create", *excluded, "-C", folder, "."], stdout=subprocess.PIPE) as packed:
            subprocess.run(
                [*self._podman, "import", "--quiet", "-", tag],
                env=os.environ | self.variables,
                stdin=packed.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        if packed.returncode != 0:
            raise RuntimeError(f"tar ended with status {packed.returncode} while it packed {tag}.")

    def build(self, tag: str, folder: Path, *options: str) -> None:
        """Build the image of a folder's Dockerfile; raises RuntimeError with the end of what podman said."""
        built = self.run("build", "--isolation", "chroot", "--tag", tag, *options, str(folder))
        if built.returncode != 0:
            raise RuntimeError(f"podman build of {tag} failed:\n{built.stdout[-1500:]}{built.stderr[-1500:]}")

    @contextmanager
    def serving(self) -> Iterator[ContainerRuntime]:
        """Answer Docker's API on a socket of its own while the block runs.

        A container has a network of its own there. It reaches `loopback_ports` of this machine under 127.0.0.1.
        """
        with tempfile.TemporaryDirectory(prefix="podman-") as folder:
            socket = Path(folder) / "podman.sock"
            command = [*self._podman, "system", "service", "--time", "0", f"unix://{socket}"]
            process = subprocess.Popen(
                command, env=os.environ | self.variables, stdin=subprocess.DEVNULL, start_new_session=True
            )
            try:
                deadline = time.monotonic() + START_TIMEOUT_S
                while not socket.exists():
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError("podman's service did not start; its reason is above.")
                    time.sleep(0.05)
                yield ContainerRuntime({"DOCKER_HOST": f"unix://{socket}"}, can_pull=False)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                LOOPBACK_PORTS.unlink(missing_ok=True)


def package_access() -> list[str]:
    """Options of `podman build` by which pip reaches packages as it does here; none stays in the image."""
    variables = {name.removeprefix("PIP_"): value for name, value in pip_environment().items() if name[:4] == "PIP_"}
    del variables["CONFIG_FILE"]
    settings = FOLDER / "pip.conf"
    lines = [f"{name.lower().replace('_', '-')} = {value}" for name, value in variables.items()]
    settings.write_text("\n".join(["[global]", *lines]) + "\n")
    read = [(settings, "/etc/pip.conf"), *((path, path) for path in variables.values() if Path(path).exists())]
    return [option for source, target in read for option in ("--volume", f"{source}:{target}:ro")]


def docker() -> ContainerRuntime | None:
    """Docker, when its daemon answers."""
    if shutil.which("docker") is None:
        return None
    asked = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    return ContainerRuntime({}, can_pull=True) if asked.returncode == 0 else None


def podman() -> Podman:
    """podman with the base image, both made where they are missing.

    Raises:
        NoContainersError: the base image does not run, on any kind of storage.
        RuntimeError: what is needed is not installed, and apt cannot install it here.
    """
    _install()
    base = base_folder()
    errors = []
    for storage_driver in ("overlay", "vfs"):
        runtime = Podman(storage_driver)
        if runtime.run("image", "exists", BASE_IMAGE).returncode != 0:
            try:
                runtime.import_image(BASE_IMAGE, base)
            except subprocess.CalledProcessError as error:
                errors.append(f"{storage_driver}: {error}")
                continue
        tried = runtime.run("run", "--rm", BASE_IMAGE, "python3.13", "--version")
        if tried.returncode == 0:
            return runtime
        errors.append(f"{storage_driver}: {tried.stderr.strip()}")
    raise NoContainersError(f"`podman run` of the base image fails: {'; '.join(errors)}")


def base_folder() -> Path:
    """A small Debian with Python 3.13 and pip, fetched once by debootstrap."""
    base = FOLDER / SUITE
    if not base.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        draft = FOLDER / f"{SUITE}-draft"
        shutil.rmtree(draft, ignore_errors=True)
        packages = "python3.13,python3-pip,ca-certificates"
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(draft)],
            env=os.environ | {"PATH": SEARCH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"debootstrap failed:\n{made.stdout[-2000:]}")
        draft.rename(base)
    return base


def _install() -> None:
    missing = [package for program, package in APT_PACKAGES.items() if shutil.which(program, path=SEARCH) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise RuntimeError(f"Containers need Docker, or {', '.join(missing)}: install one of them.")
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdin=subprocess.DEVNULL, check=True)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", *missing],
        env=quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
