// data table: the script of the report. Draws SVG charts from the JSON in the page.
#include "trainer/metrics/report_page.h"

namespace bertha {

std::string_view report_script() {
  return R"script('use strict';
(() => {
const data = JSON.parse(document.getElementById('data').textContent);
const hidden = new Set();
const single = data.runs.length === 1;
const charts = [];
// A long noisy curve is a band without smoothing; what is smoothed shows faintly behind it.
const longest = Math.max(0, ...data.runs.flatMap(
    run => Object.values(run.curves).map(([steps]) => steps.length)));
let smoothing = longest > 300 ? 0.9 : 0;

const SVG = 'http://www.w3.org/2000/svg';
function svg(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  return parent.appendChild(node);
}
function html(parent, name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return parent.appendChild(node);
}

// Numbers for people.
function trimmed(value, digits) {
  return String(Number(value.toPrecision(digits)));
}
function text(value, format, digits = 4) {
  if (format === 'percent') return trimmed(value * 100, digits) + '\u2009%';
  if (format === 'bytes') {
    const number = text(value, 'number', digits);
    return /\d$/.test(number) ? number + '\u2009B' : number + 'B';
  }
  const size = Math.abs(value);
  if (size >= 1e9) return trimmed(value / 1e9, digits) + '\u2009G';
  if (size >= 1e6) return trimmed(value / 1e6, digits) + '\u2009M';
  if (size >= 1e4) return trimmed(value / 1e3, digits) + '\u2009k';
  if (size > 0 && size < 1e-2) {
    return value.toExponential(Math.min(digits - 1, 2)).replace(/\.?0+e/, 'e');
  }
  return trimmed(value, digits);
}
function step(value) {
  return value < 1e6 ? String(value) : text(value, 'number', 6);
}

// A moving average that begins at the curve's own level.
function smooth(values, weight) {
  let sum = 0, total = 0;
  return values.map(value => {
    sum = sum * weight + value * (1 - weight);
    total = total * weight + (1 - weight);
    return sum / total;
  });
}

// Round places for ticks.
function linearTicks(low, high, count) {
  const raw = (high - low) / count;
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const unit = [1, 2, 2.5, 5, 10].find(factor => factor * power >= raw * 0.999) * power;
  const ticks = [];
  for (let i = Math.ceil(low / unit - 1e-9); i * unit <= high + unit * 1e-9; ++i) {
    ticks.push(Number((i * unit).toPrecision(12)));
  }
  return ticks;
}
function logTicks(low, high) {
  for (const factors of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); ++e) {
      for (const factor of factors) {
        const tick = Number((factor * Math.pow(10, e)).toPrecision(3));
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
    }
    if (ticks.length > 7) return ticks.filter((_, i) => i % Math.ceil(ticks.length / 6) === 0);
    if (ticks.length >= 3) return ticks;
  }
  return linearTicks(low, high, 4).filter(tick => tick > 0);
}

// What a chart draws: one entry per run and curve.
function seriesOf(chart) {
  const list = [];
  data.runs.forEach((run, r) => {
    if (hidden.has(r)) return;
    chart.curves.forEach(([label, name], c) => {
      const curve = run.curves[name];
      if (!curve || !curve[0].length) return;
      const weight = chart.smooth && label !== 'validation' ? smoothing : 0;
      list.push({
        label: single ? label : run.name,
        color: (single ? c : r) % 8,
        validation: label === 'validation',
        steps: curve[0], raw: curve[1],
        values: weight > 0 ? smooth(curve[1], weight) : curve[1],
        smoothed: weight > 0,
      });
    });
  });
  return list;
}

// The same for all charts, so that one looks down a column of them.
function stepRange() {
  let left = Infinity, right = -Infinity;
  data.runs.forEach((run, r) => {
    if (hidden.has(r)) return;
    for (const [steps] of Object.values(run.curves)) {
      if (!steps.length) continue;
      left = Math.min(left, steps[0]);
      right = Math.max(right, steps[steps.length - 1]);
    }
  });
  if (left > right) return [0, 1];
  return [left > 0 && left < right * 0.1 ? 0 : left, right];
}

function domainOf(chart, list, log) {
  let low = Infinity, high = -Infinity;
  let [left, right] = stepRange();
  const include = value => {
    if (log && value <= 0) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (const series of list) series.raw.forEach(include);
  if (chart.reference) data.runs.forEach((run, r) => {
    if (run.reference && !hidden.has(r)) include(run.reference);
  });
  if (low > high) [low, high] = log ? [0.1, 1] : [0, 1];
  if (left === right) { left -= 1; right += 1; }
  if (chart.zero && !log) include(0);
  if (low === high) {
    const margin = Math.abs(low) * 0.1 || 1;
    low -= margin;
    high += margin;
    if (log && low <= 0) low = high / 10;
  } else if (!log) {
    const margin = (high - low) * 0.05;
    // Not below zero for what cannot be negative.
    low = low >= 0 ? Math.max(0, low - margin) : low - margin;
    high += margin;
  }
  return {left, right, low, high};
}

const HEIGHT = 210, TOP = 8, BOTTOM = 22, RIGHT = 8;

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
