"""Charts beside each other as one SVG: curves of numbers against steps, tokens or time."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 460, 300, 50, 30, 45
COLOURS = "#0b62a4", "#c2410c", "#15803d", "#7e22ce"


def nice_ticks(low, high, count=5):
    step = (high - low) / count
    size = 10.0 ** math.floor(math.log10(step))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= step)
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield number * step


def chart(offset, title, unit, series):
    """`series`: (colour, points, dashed)."""
    points = [p for _, line, _ in series for p in line]
    right = max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    x_of = lambda x: offset + LEFT + (WIDTH - LEFT - 15) * x / right
    y_of = lambda y: TOP + (HEIGHT - TOP - BOTTOM) * (high - y) / (high - low)
    parts = [f'<text x="{offset + LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    for tick in nice_ticks(low, high):
        parts.append(f'<path d="M{offset + LEFT} {y_of(tick):.1f}H{offset + WIDTH - 15}" stroke="#ccc"/>'
                     f'<text x="{offset + LEFT - 6}" y="{y_of(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in nice_ticks(0, right):
        parts.append(f'<text x="{x_of(tick):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{offset + WIDTH - 15}" y="{HEIGHT - 8}" text-anchor="end">{escape(unit)}</text>')
    for colour, line, dashed in series:
        path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in line)
        dashes = ' stroke-dasharray="5 3"' if dashed else ""
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>')
    return parts


def draw(path, charts, names):
    """`charts`: (title, unit of the horizontal axis, {name: [points, dashed points]}); every name has its colour."""
    colours = dict(zip(names, COLOURS))
    parts = []
    for number, (title, unit, lines) in enumerate(charts):
        parts += chart(number * WIDTH, title, unit, [(colours[name], points, dashed) for name, both in lines.items()
                                                     for points, dashed in zip(both, (False, True)) if points])
    width = len(charts) * WIDTH
    for i, (name, explained) in enumerate(names.items()):
        parts.append(f'<text x="{width - 20}" y="{50 + 18 * i}" text-anchor="end" fill="{colours[name]}">'
                     f'{escape(name + explained)}</text>')
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" '
                    f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>\n'
                    + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")
