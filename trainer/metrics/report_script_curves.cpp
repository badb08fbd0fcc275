// data table: the script of the report, its first half: which curves there are, how numbers are
// written, where axes begin and end.
#include "trainer/metrics/report_page.h"

namespace bertha {

std::string_view report_script_of_curves() {
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

)script";
}

}  // namespace bertha
