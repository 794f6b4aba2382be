"""`python -m deepworth` is the command `deepworth`."""

from deepworth.cli import app

app()
