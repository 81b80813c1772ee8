"""pip for this project: of the user's configuration it keeps how packages are reached, and not where they go.

    python infra/pip.py install ...

`user = true`, a target, constraints or require-virtualenv, in a file or a PIP_ variable, would break what is installed
here. An index, a proxy or a certificate may be the only way to any package. Nothing but the standard library: `make`
runs this before anything is installed.
"""

import configparser
import os
import subprocess
import sys

NETWORK = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST",
    "PIP_PROXY",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_KEYRING_PROVIDER",
    "PIP_RETRIES",
    "PIP_TIMEOUT",
    "PIP_DEFAULT_TIMEOUT",
)
# pip's own order: what comes later wins.
_KINDS = ("global", "user", "site", "env")
_SECTIONS = ("global", "download", "install")


def pip_environment() -> dict[str, str]:
    """The environment for pip: the user's own, with only the network settings of all that configures pip."""
    settings: dict[str, str] = {}
    for file in _configuration_files():
        parser = configparser.RawConfigParser()
        parser.read(file)
        for section in filter(parser.has_section, _SECTIONS):
            settings |= {f"PIP_{name.upper().replace('-', '_')}": value for name, value in parser[section].items()}
    settings |= os.environ
    kept = {name: value for name, value in settings.items() if name in NETWORK or not name.startswith("PIP_")}
    # A null device for a file: pip then reads no file at all.
    return kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _configuration_files() -> list[str]:
    """The files that pip reads, the last one winning; none when pip cannot read one of them.

    Not from `pip config list`: `user = true` is for pip an option of that command, too, and hides the other files.
    """
    told = subprocess.run([sys.executable, "-m", "pip", "config", "debug"], capture_output=True, text=True, check=False)
    files: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    kind = ""
    for line in told.stdout.splitlines() if told.returncode == 0 else ():
        if not line.startswith(" "):
            kind = line.rstrip(":")
        elif kind in files and line.endswith(", exists: True"):
            files[kind].append(line.strip().removesuffix(", exists: True"))
    return [file for kind in _KINDS for file in files[kind]]


if __name__ == "__main__":
    sys.exit(subprocess.call([sys.executable, "-m", "pip", *sys.argv[1:]], env=pip_environment()))  # noqa: S603 - pip, no shell
