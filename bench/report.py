"""What was found, as results.json, a page in Markdown and plots. Figures of an earlier run on the same machine stay
until their scenario runs again.
"""

import json
import time
from pathlib import Path

from . import machine, pictures, scenarios, targets
from .places import BUILD, DOCS

KEPT = ("title", "notes", "when", "commit", "rounds", "busy", "rows", "failed", "medians")
MARKS = {True: "yes", False: "**no**", None: "not known"}


def write(found: list[dict], *, is_quick: bool) -> Path:
    """Into docs/benchmarks; of a quick run, whose figures are none, into build/bench/report."""
    folder = BUILD / "report" if is_quick else DOCS
    folder.mkdir(parents=True, exist_ok=True)
    described = machine.describe()
    known = earlier(folder / "results.json", described)
    for one in found:
        known[one["name"]] = {name: one[name] for name in KEPT if name in one} | {"commit": described["commit"]}
    ordered = {one.name: known[one.name] for one in scenarios.ALL if one.name in known}
    whole = {"machine": described, "scenarios": ordered}
    (folder / "results.json").write_text(json.dumps(rounded(whole), indent=1, ensure_ascii=False) + "\n")
    drawn = {name: paint(folder, name, one["medians"]) for name, one in ordered.items() if name in pictures.ALL}
    (folder / "README.md").write_text(page(described, ordered, drawn, is_quick))
    return folder


def earlier(path: Path, described: dict) -> dict:
    if not path.exists():
        return {}
    known = json.loads(path.read_text())
    return known["scenarios"] if machine.is_alike(known["machine"], described) else {}


def rounded(value):
    """To what a figure can be relied on for."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def paint(folder: Path, name: str, medians: dict) -> str:
    """The name of the plot's file, or nothing where there is nothing to show."""
    file, _, draw = pictures.ALL[name]
    if not any(one.get("curve") or one.get("curves") for one in medians.values()):
        return ""
    (folder / f"{file}.svg").write_text(draw(medians))
    return f"{file}.svg"


def page(described: dict, ordered: dict, drawn: dict, is_quick: bool) -> str:
    parts = ["# Benchmarks"]
    if is_quick:
        parts.append("**A quick run: it shows that everything works. These are no figures.**")
    parts += [made_on(described), "## What was to be reached", asked(ordered)]
    parts += [f"![{pictures.ALL[name][1]}]({file})" for name, file in drawn.items() if file]
    parts += ["## Everything that was measured", measured(ordered), beside("MISSED.md"), beside("METHOD.md")]
    return in_words("\n\n".join(parts) + "\n")


def in_words(text: str) -> str:
    """Targets by what they are, instead of their names here."""
    for one in targets.ALL:
        text = text.replace(f" {one.name}: ", f" {one.label}: ").replace(f" {one.name} failed", f" {one.label} failed")
    return text


def made_on(described: dict) -> str:
    versions = {"Python": described["python"], "Node": described["node"], "PostgreSQL": described["postgres"]}
    versions |= {"Redis": described["redis"]} | described["packages"]
    versions |= {f"{name} (Node)": version for name, version in described["node_packages"].items()}
    return (
        f"Made by `make bench` on {time.strftime('%Y-%m-%d', time.gmtime())}, commit {described['commit']}: "
        f"{described['cores']} cores of {described['cpu']}{' (virtual)' if described['virtual'] else ''}, "
        f"{described['memory']}, {described['kernel']}. The server has one core, everything else the other"
        f"{'s' if described['cores'] > 2 else ''}. "
        + ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        + "."
    )


def asked(ordered: dict) -> str:
    lines = ["| work | | found | target | reached |", "|---|---|---|---|---|"]
    for one in ordered.values():
        title = one["title"]
        for row in one["rows"]:
            if row["target"]:
                lines.append(
                    f"| {title} | {row['work']} | {row['found']} | {row['target']} | {MARKS[row['reached']]} |"
                )
                title = ""
    return "\n".join(lines)


def measured(ordered: dict) -> str:
    parts = []
    for one in ordered.values():
        runs = f"Medians of {one['rounds']}, {one['when']}, commit {one['commit']}; load average {one['busy']:.1f}."
        failed = "".join(f" {name} failed {count} times." for name, count in one["failed"].items())
        rows = [f"| {row['work']} | {row['found']} |" for row in one["rows"] if not row["target"]]
        table = "\n".join(["| | |", "|---|---|", *rows]) if rows else ""
        parts += [f"### {one['title']}", f"{one['notes']} {runs}{failed}".strip(), table]
    return "\n\n".join(part for part in parts if part)


def beside(name: str) -> str:
    """What is written by hand."""
    return (Path(__file__).parent / name).read_text().strip()
