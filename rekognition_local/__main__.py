"""`python -m rekognition_local` does what the command `rekognition-local` does."""

from rekognition_local.cli.app import app

if __name__ == "__main__":
    app()
