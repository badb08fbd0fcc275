"""Two charts beside each other as one SVG: masked-word loss against tokens and against processor time."""
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 460, 300, 50, 30, 45
COLOURS = {"Bertha": "#0b62a4", "Transformers": "#c2410c"}


def nice_ticks(low, high, count=5):
    step = (high - low) / count
    size = 10 ** len(str(int(step))) / 10 if step >= 1 else 0.1
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= step)
    tick = step * (low // step + (low % step > 0))
    while tick <= high:
        yield tick
        tick += step


def chart(offset, title, unit, series):
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
    for name, line, dashed in series:
        path = "L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in line)
        dashes = ' stroke-dasharray="5 3"' if dashed else ""
        parts.append(f'<path d="M{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.5"{dashes}/>')
    return parts


def draw(path, ours, theirs):
    """`ours`, `theirs`: (training, validation) points of (tokens, CPU seconds, loss)."""
    parts = []
    for offset, axis, scale, title, unit in (
            (0, 0, 1e-6, "masked-word loss (nats) against tokens", "million tokens"),
            (WIDTH, 1, 1 / 60, "against processor time", "minutes of one core")):
        series = [(name, [(p[axis] * scale, p[2]) for p in line if p[axis] is not None], dashed)
                  for name, lines in (("Bertha", ours), ("Transformers", theirs))
                  for line, dashed in zip(lines, (False, True))]
        parts += chart(offset, title, unit, [s for s in series if s[1]])
    for i, (name, colour) in enumerate(COLOURS.items()):
        parts.append(f'<text x="{2 * WIDTH - 20}" y="{50 + 18 * i}" text-anchor="end" fill="{colour}">{name}'
                     f'{" (dashed: validation)" if i == 1 else ""}</text>')
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" '
                    f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>\n'
                    + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")
