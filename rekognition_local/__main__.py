"""The commands `rekognition-local` and `python -m rekognition_local`."""

import sys


def main() -> None:
    """Run the command line, or say what must be installed for it."""
    try:
        from rekognition_local.cli import app
    except ImportError as error:
        sys.exit(f"rekognition-local needs {error.name}, which is not installed: {_INSTALL}, then try again.")
    app()


_INSTALL = "pip install 'face-validation[rekognition]' (in a checkout: make setup)"

if __name__ == "__main__":
    main()
