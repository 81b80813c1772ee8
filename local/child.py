"""Runs a module as a child that cannot outlive its parent: `python -m local.child MODULE ARGUMENTS...`.

The parent holds the other end of this process's standard input. However the parent ends, `kill -9` included, the
operating system closes that end, and the child ends too.
"""

import os
import runpy
import sys
import threading


def end_with_parent() -> None:
    """End this process at once when standard input closes."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os._exit(0)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()


def main() -> None:
    """Run the module named by the first argument as `python -m` would, with the other arguments as its own."""
    end_with_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
