// data table: the script of the report, its second half: draws the curves as SVG, and answers mouse
// and keyboard.
#include "trainer/metrics/report_page.h"

namespace bertha {

std::string_view report_script_of_charts() {
  return R"script(const HEIGHT = 210, TOP = 8, BOTTOM = 22, RIGHT = 8;

function draw(chart) {
  const {drawing} = chart;
  drawing.replaceChildren();
  const list = chart.list = seriesOf(chart);
  const log = chart.log;
  const width = Math.max(240, Math.round(drawing.clientWidth || 430));
  drawing.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  const {left, right, low, high} = domainOf(chart, list, log);
  const yTicks = log ? logTicks(low, high) : linearTicks(low, high, 5);
  const labels = yTicks.map(tick => text(tick, chart.format));
  const LEFT = 12 + 6.6 * Math.max(2, ...labels.map(label => label.length));
  const scale = value => log ? Math.log(Math.max(value, low)) : value;
  const x = chart.x = value => LEFT + (value - left) / (right - left) * (width - LEFT - RIGHT);
  const y = chart.y = value => HEIGHT - BOTTOM -
      (scale(value) - scale(low)) / (scale(high) - scale(low)) * (HEIGHT - TOP - BOTTOM);
  chart.stepAt = place => left + (place - LEFT) / (width - LEFT - RIGHT) * (right - left);
  chart.range = [left, right];

  yTicks.forEach((tick, i) => {
    svg(drawing, 'line', {class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick)});
    svg(drawing, 'text', {x: LEFT - 6, y: y(tick) + 4, 'text-anchor': 'end'}, labels[i]);
  });
  const steps = linearTicks(left, right, Math.max(2, Math.floor(width / 90)));
  for (const tick of steps.filter(Number.isInteger)) {
    const anchor = x(tick) > width - 24 ? 'end' : 'middle';
    svg(drawing, 'text', {x: x(tick), y: HEIGHT - 6, 'text-anchor': anchor}, step(tick));
  }
  drawMarkers(chart, left, right);
  list.forEach(series => drawSeries(chart, series));
  nameReference(chart, right);
  chart.cursor = svg(drawing, 'g', {});
  const ends = list.map(series => series.label + ' ends at ' +
    text(series.values[series.values.length - 1], chart.format));
  drawing.setAttribute('aria-label', chart.title + ' by step. ' + ends.join('; '));
  showValues(chart, null);
}

function drawMarkers(chart, left, right) {
  const floor = HEIGHT - BOTTOM;
  data.runs.forEach((run, r) => {
    if (hidden.has(r)) return;
    const owner = single ? '' : ` c${r % 8}`;
    for (const [kind, at] of run.markers) {
      if (at < left || at > right) continue;
      const place = {x1: chart.x(at), x2: chart.x(at)};
      if (kind === 'resume') {
        svg(chart.drawing, 'line', {class: 'resume' + owner, ...place, y1: TOP, y2: floor});
      } else if (kind === 'save') {
        svg(chart.drawing, 'line', {class: 'save' + owner, ...place, y1: floor - 5, y2: floor});
      }
    }
    if (!chart.reference || !run.reference) return;
    const at = chart.y(run.reference);
    svg(chart.drawing, 'line',
        {class: 'reference', x1: chart.x(left), x2: chart.x(right), y1: at, y2: at});
  });
}
// Over the curves, below the line where there is room: a model that learns goes there late.
function nameReference(chart, right) {
  const owner = data.runs.findIndex((run, r) => run.reference && !hidden.has(r));
  if (!chart.reference || owner < 0) return;
  const line = chart.y(data.runs[owner].reference);
  const y = line + 24 < HEIGHT - BOTTOM ? line + 14 : line - 5;
  svg(chart.drawing, 'text', {class: 'named', x: chart.x(right), y, 'text-anchor': 'end'},
      'knowing word frequencies alone');
}

function path(chart, steps, values) {
  let pen = 'M';
  return steps.map((at, i) => {
    const part = pen + chart.x(at).toFixed(1) + ' ' + chart.y(values[i]).toFixed(1);
    pen = 'L';
    return part;
  }).join('');
}
function drawSeries(chart, series) {
  const style = `curve c${series.color}`;
  if (series.smoothed) {
    svg(chart.drawing, 'path',
        {class: style + ' raw', d: path(chart, series.steps, series.raw)});
  }
  const dashed = series.validation && !single ? ' dashed' : '';
  svg(chart.drawing, 'path',
      {class: style + dashed, d: path(chart, series.steps, series.values)});
  if (series.validation && series.steps.length <= 60) {
    series.steps.forEach((at, i) => svg(chart.drawing, 'circle',
        {class: `c${series.color}`, cx: chart.x(at), cy: chart.y(series.values[i]), r: 2.6}));
  }
}

// The nearest point to a step.
function nearest(steps, wanted) {
  let low = 0, high = steps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low > 0 && wanted - steps[low - 1] < steps[low] - wanted ? low - 1 : low;
}

// Above the chart: the values under the cursor, or the newest.
function showValues(chart, wanted) {
  chart.at = wanted;
  chart.values.replaceChildren();
  chart.cursor.replaceChildren();
  if (wanted !== null) {
    const at = chart.x(Math.min(Math.max(wanted, chart.range[0]), chart.range[1]));
    svg(chart.cursor, 'line', {class: 'cursor', x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM});
    html(chart.values, 'span', '', 'step ' + step(Math.round(wanted)));
  }
  let entry, before;
  for (const series of chart.list) {
    const i = wanted === null ? series.steps.length - 1 : nearest(series.steps, wanted);
    if (before && before.label === series.label) {
      entry.append(' / ');
    } else {
      entry = html(chart.values, 'span');
      html(entry, 'i', `dot c${series.color}`);
      entry.append(series.label + ' ');
    }
    before = series;
    html(entry, 'b', '', text(series.values[i], chart.format));
    if (wanted !== null) {
      svg(chart.cursor, 'circle', {class: `c${series.color}`, r: 3.5,
        cx: chart.x(series.steps[i]), cy: chart.y(series.values[i])});
    }
  }
}

function addChart(description) {
  const figure = html(document.getElementById('charts'), 'figure', 'chart');
  const caption = html(figure, 'figcaption', '', description.title);
  const log = html(caption, 'button', '', 'log scale');
  log.type = 'button';
  log.setAttribute('aria-pressed', 'false');
  log.setAttribute('aria-label', 'log scale of ' + description.title);
  const chart = {...description, log: false, values: html(figure, 'div', 'values')};
  chart.drawing = svg(figure, 'svg', {role: 'img', tabindex: 0});
  log.addEventListener('click', () => {
    chart.log = !chart.log;
    log.setAttribute('aria-pressed', String(chart.log));
    draw(chart);
  });
  const point = event => {
    const box = chart.drawing.getBoundingClientRect();
    const place = (event.clientX - box.left) * (chart.drawing.viewBox.baseVal.width / box.width);
    const wanted = chart.stepAt(place);
    charts.forEach(other => showValues(other, wanted));
  };
  chart.drawing.addEventListener('pointermove', point);
  chart.drawing.addEventListener('pointerdown', point);
  chart.drawing.addEventListener('pointerleave',
    () => charts.forEach(other => showValues(other, null)));
  chart.drawing.addEventListener('keydown', event => moveCursor(chart, event));
  chart.drawing.addEventListener('blur', () => charts.forEach(other => showValues(other, null)));
  charts.push(chart);
}

// Arrow keys walk along a chart that has the focus; Home and End go to its ends.
function moveCursor(chart, event) {
  const [left, right] = chart.range;
  const stride = (right - left) / 50;
  const from = chart.at === undefined || chart.at === null ? right : chart.at;
  const places = {ArrowLeft: from - stride, ArrowRight: from + stride, Home: left, End: right};
  if (!(event.key in places)) return;
  event.preventDefault();
  const wanted = Math.min(Math.max(places[event.key], left), right);
  charts.forEach(other => showValues(other, wanted));
}

function addLegend() {
  if (single) return;
  data.runs.forEach((run, r) => {
    const button = html(document.getElementById('legend'), 'button');
    button.type = 'button';
    button.title = 'Show or hide this run';
    button.setAttribute('aria-pressed', 'true');
    html(button, 'i', `dot c${r % 8}`);
    button.append(run.name);
    button.addEventListener('click', () => {
      if (!hidden.delete(r)) hidden.add(r);
      button.setAttribute('aria-pressed', String(!hidden.has(r)));
      charts.forEach(draw);
    });
  });
}

data.charts.forEach(addChart);
addLegend();
const kinds = new Set(data.runs.flatMap(run => run.markers.map(([kind]) => kind)));
document.getElementById('marks').textContent = [
  kinds.has('resume') ? 'Dashed upright lines: the run was resumed.' : '',
  kinds.has('save') ? 'Ticks at the bottom: checkpoints.' : '',
  single ? '' : 'Dashed curves and second values: validation.',
].join(' ');
document.getElementById('smoothing').value = smoothing;
document.getElementById('smoothing-value').textContent = smoothing.toFixed(2);
document.getElementById('smoothing').addEventListener('input', event => {
  smoothing = Number(event.target.value);
  document.getElementById('smoothing-value').textContent = smoothing.toFixed(2);
  charts.forEach(draw);
});
let drawnWidth = 0;
new ResizeObserver(() => {
  const width = document.getElementById('charts').clientWidth;
  if (width === drawnWidth) return;
  drawnWidth = width;
  charts.forEach(draw);
}).observe(document.getElementById('charts'));
})();
)script";
}

}  // namespace bertha
