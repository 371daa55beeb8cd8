"""Lists on standard output: columns for people, JSON for programs. For the commands called `list` and their like."""

import json

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def show(rows: list[dict], as_json: bool) -> None:
    """Print `rows`, which all have the same keys."""
    if as_json:
        show_json(rows)
    elif rows:
        table = [list(rows[0]), *([cell(value) for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
            click.echo("  ".join(padded).rstrip())


def show_json(value) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def cell(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
