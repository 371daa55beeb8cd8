"""Files of commands. What is written holds secrets or what people said: for their owner's eyes only."""

import os
import shutil
import stat
import tempfile
from contextlib import contextmanager

import click

OWNER_ONLY = 0o600


@contextmanager
def private(path: str):
    """A text file to write, mode 600 also when it was there already; `-` is standard output."""
    if path == "-":
        with click.open_file(path, "w", encoding="utf-8") as file:
            yield file
        return
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    with open(number, "w", encoding="utf-8") as file:
        if stat.S_ISREG(os.fstat(number).st_mode):  # not of a device such as /dev/null
            os.fchmod(number, OWNER_ONLY)
        yield file


@contextmanager
def rereadable(path: str):
    """A binary file (`-`: standard input) that can be read again; what comes through a pipe is kept aside on disk."""
    try:
        with click.open_file(path, "rb") as source:
            if source.seekable():
                yield source
                return
            with tempfile.TemporaryFile() as kept:
                shutil.copyfileobj(source, kept)
                yield kept
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from None
