"""How a setting is read, and what is said of a wrong one. `given` is the environment without its empty values."""

from urllib.parse import urlsplit

import click

HIGHEST_PORT = 65_535
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class SettingError(click.ClickException, ValueError):
    """A setting that is missing or wrong. Its text is one line that begins with the setting's name.
    Being click's, it ends any `flask` command with that line instead of a traceback.
    """

    exit_code = 2

    def __init__(self, name, problem):
        super().__init__(f"{name}: {problem}")

    def show(self, file=None):
        click.echo(self.message, file=file, err=file is None)


def address(name, url, schemes, example):
    """The parts of an address; never repeats a wrong one, as it may hold a password."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and parts.hostname and parts.port != 0 and not any(map(str.isspace, url))
    except ValueError:
        good = False
    if not good:
        raise SettingError(name, f"must be an address such as {example}")
    return parts


def listed(given, name):
    return [item.strip() for item in given.get(name, "").split(",") if item.strip()]


def one_of(given, name, allowed, default=None):
    value = given.get(name, default or allowed[0])
    if value not in allowed:
        raise SettingError(name, f"must be one of {', '.join(allowed)}")
    return value


def integer(given, name, default, lowest=0, highest=None):
    text = given.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or text != str(int(text)) or int(text) < lowest:
        raise SettingError(name, f"must be a whole number from {lowest}")
    if highest is not None and int(text) > highest:
        raise SettingError(name, f"must be at most {highest}")
    return int(text)


def switch(given, name, default):
    value = given.get(name, "on" if default else "off").lower()
    if value not in YES + NO:
        raise SettingError(name, "must be on or off")
    return value in YES
