// data table: the style sheet of the report, light and dark, for screens of any width and print.
#include "trainer/metrics/report_page.h"

namespace bertha {

std::string_view report_style() {
  return R"css(:root {
  --page: #fbfbfa; --panel: #ffffff; --line: #e3e3df; --grid: #ececea;
  --text: #23262b; --quiet: #666b73; --mark: #9a9ea6;
  --c0: #2563ae; --c1: #c2571a; --c2: #2c8552; --c3: #8250a8;
  --c4: #a8851d; --c5: #b8395f; --c6: #1d8494; --c7: #6b6f76;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #16181b; --panel: #1d2024; --line: #32363c; --grid: #292d32;
    --text: #dfe1e5; --quiet: #9a9fa8; --mark: #727780;
    --c0: #6ea8ee; --c1: #ec935a; --c2: #64bd8b; --c3: #bd93e0;
    --c4: #d9b654; --c5: #ea7f9f; --c6: #58bccb; --c7: #a5aab2;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 64px; }
header p { margin: 0; }
h1 { margin: 0 0 20px; font-size: 26px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 36px 0 12px; font-size: 18px; }
h3 { margin: 16px 0 6px; font-size: 15px; }
dl {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 430px), 1fr));
  gap: 0 32px; margin: 0;
}
dl div {
  display: grid; grid-template-columns: 170px 1fr; gap: 12px;
  padding: 5px 0; border-bottom: 1px solid var(--line);
}
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 22px 5px 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; min-width: 5em; }
tbody tr { border-top: 1px solid var(--line); }
table > tbody:first-child > tr:first-child { border-top: 0; }
tbody th { color: var(--quiet); font-weight: 400; }
.best th, .best td { color: var(--text); font-weight: 600; }
caption { text-align: left; font-weight: 600; padding: 10px 0 4px; }
.side {
  display: grid; gap: 8px 48px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr));
}
.bars { width: 100%; max-width: 640px; }
.bars th { white-space: nowrap; }
.bars td:last-child { width: 55%; padding-right: 0; }
.bar {
  display: block; height: 12px; min-width: 1px; margin-top: 5px;
  background: var(--c0); border-radius: 2px;
}
.bars td:nth-child(2), .bars thead th:nth-child(2) { text-align: right; white-space: nowrap; }
.matrix td, .matrix thead th { text-align: right; }
.matrix td { position: relative; }
.matrix .right { font-weight: 600; }
.heat { background: color-mix(in srgb, var(--c0) calc(var(--share) * 45%), transparent); }
.wrong { background: color-mix(in srgb, var(--c1) calc(var(--share) * 45%), transparent); }
.sample { margin: 0 0 14px; overflow-wrap: anywhere; max-width: 75ch; }
mark {
  background: color-mix(in srgb, var(--c4) 28%, transparent);
  color: inherit; border-radius: 3px; padding: 0 3px;
}
.texts td:first-child { min-width: 16em; }
.scroll:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px; }
summary { cursor: pointer; color: var(--quiet); padding: 6px 0; }
section > details { margin-top: 28px; }
.notes { padding-left: 18px; margin: 0; overflow-wrap: anywhere; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 7px; }
.tools {
  display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: center;
  justify-content: space-between; margin-bottom: 14px; color: var(--quiet); font-size: 13px;
}
.tools label { display: flex; align-items: center; gap: 8px; }
.tools output { min-width: 2.4em; font-variant-numeric: tabular-nums; }
input[type=range] { width: 130px; accent-color: var(--c0); }
#legend { display: flex; flex-wrap: wrap; gap: 6px 18px; }
button {
  font: inherit; color: inherit; background: none; border: 0; padding: 2px 0; cursor: pointer;
}
button:focus-visible, summary:focus-visible, svg:focus-visible, input:focus-visible {
  outline: 2px solid var(--c0); outline-offset: 2px;
}
#legend button[aria-pressed=false] { opacity: .4; text-decoration: line-through; }
#charts {
  display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 430px), 1fr));
}
.chart {
  background: var(--panel); border: 1px solid var(--line); border-radius: 8px;
  padding: 12px 14px 8px; margin: 0; min-width: 0; break-inside: avoid;
}
.chart figcaption { display: flex; justify-content: space-between; gap: 12px; font-weight: 600; }
.chart figcaption button { font-weight: 400; font-size: 12px; color: var(--quiet); }
.chart figcaption button[aria-pressed=true] { color: var(--c0); font-weight: 600; }
.values {
  display: flex; flex-wrap: wrap; gap: 0 16px; min-height: 20px; margin: 2px 0 4px;
  font-size: 12.5px; color: var(--quiet); font-variant-numeric: tabular-nums;
}
.values b { color: var(--text); font-weight: 600; }
.values i { margin-right: 5px; }
.chart svg { display: block; width: 100%; height: auto; touch-action: pan-y; }
svg text { font-size: 11px; fill: var(--quiet); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); }
.resume { stroke: var(--mark); stroke-dasharray: 4 3; }
.save { stroke: var(--mark); }
.named { paint-order: stroke; stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; }
.reference { stroke: var(--mark); stroke-dasharray: 1 4; stroke-width: 1.5; }
.cursor { stroke: var(--quiet); }
.curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.raw { opacity: .22; stroke-width: 1; }
.dashed { stroke-dasharray: 6 3; }
.c0 { background: var(--c0); stroke: var(--c0); fill: var(--c0); }
.c1 { background: var(--c1); stroke: var(--c1); fill: var(--c1); }
.c2 { background: var(--c2); stroke: var(--c2); fill: var(--c2); }
.c3 { background: var(--c3); stroke: var(--c3); fill: var(--c3); }
.c4 { background: var(--c4); stroke: var(--c4); fill: var(--c4); }
.c5 { background: var(--c5); stroke: var(--c5); fill: var(--c5); }
.c6 { background: var(--c6); stroke: var(--c6); fill: var(--c6); }
.c7 { background: var(--c7); stroke: var(--c7); fill: var(--c7); }
svg .curve { fill: none; }
svg line.save, svg line.resume { opacity: .7; }
@media (max-width: 600px) {
  .bars td:last-child { width: 40%; }
  main { padding: 18px 14px 40px; }
  h1 { font-size: 22px; }
  th, td { padding-right: 14px; }
  dl div { grid-template-columns: 120px 1fr; }
}
@page { margin: 14mm; }
@media print {
  body { background: #fff; font-size: 11px; }
  main { max-width: none; padding: 0; }
  .tools label, .chart figcaption button { display: none; }
  #charts { grid-template-columns: 1fr 1fr; gap: 10px; }
  .dot, .bar, .heat, .wrong, mark { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; }
}
)css";
}

}  // namespace bertha
