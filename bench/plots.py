"""A plot as SVG, by hand: a few lines, named where they end; light or dark as its reader is."""

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 236, 56, 52  # around the field; the names of the lines stand at the right
NAME_GAP = 18  # between two names
STYLE = """
svg { background: var(--paper); font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  --paper: #fdfcfa; --line: #e5e2dc; --ink: #24201b; --quiet: #756f66; --ours: #2f6fd6; --node: #3c8a4e;
  --plain: #b5742a; --limit: #8a857d }
@media (prefers-color-scheme: dark) { svg { --paper: #1b1917; --line: #37332e; --ink: #efece6; --quiet: #a8a197;
  --ours: #7fadf5; --node: #7cc48b; --plain: #e0a566; --limit: #8f8a82 } }
text { fill: var(--quiet) } .title { fill: var(--ink); font-size: 16px; font-weight: 650 }
.grid { stroke: var(--line) } .mark { stroke: var(--quiet); stroke-dasharray: 2 4 }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
.ours { --own: var(--ours) } .node { --own: var(--node) } .plain { --own: var(--plain) } .limit { --own: var(--limit) }
.curve, .dot { stroke: var(--own) } .dot { fill: var(--paper); stroke-width: 2 } text.name { fill: var(--own) }
.second { stroke-dasharray: 7 5 } .third { stroke-dasharray: 2 5 }
"""


@dataclass(frozen=True)
class Line:
    """`family` gives the colour (ours, node, plain, limit), `kind` the dashes (first, second, third)."""

    name: str
    points: list[tuple[float, float]]
    family: str
    kind: str = "first"


@dataclass(frozen=True)
class Axis:
    """Values and where they lie; on a logarithmic one all are above 0. `mark`: a line across, and its name."""

    label: str
    low: float
    high: float
    is_log: bool = False
    mark: tuple[float, str] | None = None

    def share(self, value: float) -> float:
        """Between 0 and 1."""
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if self.is_log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def ticks(self) -> list[float]:
        if self.is_log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            wanted = [step * 10.0**power for power in powers for step in (1, 2, 5)]
            wanted = wanted if len(wanted) <= 12 else [10.0**power for power in powers]
        else:
            step = nice((self.high - self.low) / 5)
            wanted = [step * number for number in range(math.ceil(self.low / step), int(self.high / step) + 1)]
        return [one for one in wanted if self.low <= one <= self.high]


def nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * 0.999)


def axis(label: str, values: list[float], *, is_log: bool = False, mark: tuple[float, str] | None = None) -> Axis:
    """One on which all of these have a place."""
    values = [value for value in values if value > 0 or not is_log] + ([mark[0]] if mark else [])
    low, high = min(values), max(values)
    if is_log:
        return Axis(label, low / 1.2, max(high, low * 2) * 1.2, True, mark)
    return Axis(label, 0, high * 1.06 or 1, False, mark)


def draw(title: str, x: Axis, y: Axis, lines: list[Line]) -> str:
    parts = [f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>']
    parts += [vertical(x, value) for value in x.ticks()] + [horizontal(y, value) for value in y.ticks()]
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">{escape(x.label)}</text>')
    parts.append(f'<text x="{LEFT}" y="44">{escape(y.label)}</text>')
    if y.mark:
        at = y_of(y, y.mark[0])
        parts.append(f'<line class="mark" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{LEFT + 6}" y="{at - 6}">{escape(y.mark[1])}</text>')
    parts += [curve(x, y, line) for line in lines] + names(x, y, lines)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
    return f'{head} aria-label="{escape(title)}">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"


def x_of(axis: Axis, value: float) -> float:
    return round(LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT), 1)


def y_of(axis: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM), 1)


def vertical(axis: Axis, value: float) -> str:
    at, foot = x_of(axis, value), HEIGHT - BOTTOM
    return (
        f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{foot}"/>'
        f'<text x="{at}" y="{foot + 18}" text-anchor="middle">{shown(value)}</text>'
    )


def horizontal(axis: Axis, value: float) -> str:
    at = y_of(axis, value)
    return (
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
        f'<text x="{LEFT - 8}" y="{at + 4}" text-anchor="end">{shown(value)}</text>'
    )


def shown(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1_000:g}k" if value >= 1_000 else f"{value:g}"


def curve(x: Axis, y: Axis, line: Line) -> str:
    points = [(x_of(x, one), y_of(y, other)) for one, other in line.points]
    path = " ".join(f"{one},{other}" for one, other in points)
    dots = "".join(f'<circle class="dot" cx="{one}" cy="{other}" r="3"/>' for one, other in points if len(points) < 25)
    return f'<g class="{line.family}"><polyline class="curve {line.kind}" points="{path}"/>{dots}</g>'


def names(x: Axis, y: Axis, lines: list[Line]) -> list[str]:
    """Beside the end of each line, moved apart where they would meet."""
    ends = [(y_of(y, line.points[-1][1]), x_of(x, line.points[-1][0]), line) for line in lines if line.points]
    made, lowest = [], 0.0
    for at, end, line in sorted(ends, key=lambda one: one[0]):
        lowest = max(at + 4, lowest + NAME_GAP)
        place = WIDTH - RIGHT + 14
        lead = f'<path class="grid" fill="none" d="M{end + 5},{at} L{place - 4},{lowest - 4}"/>'
        made.append(f'{lead}<text class="name {line.family}" x="{place}" y="{lowest}">{escape(line.name)}</text>')
    return made
