"""The look of the page: system fonts, one column, light and dark.

The charts use the colours by their names here.
"""

STYLE = """
:root {
  --paper: #fcfcfa; --card: #f3f4f2; --ink: #1c2127; --muted: #5c6570; --line: #dfe2e1;
  --accent: #1f62c9; --accent-rgb: 31 98 201; --wrong-rgb: 214 106 22;
  --warn: #b23a0c;
  --c0: #1f62c9; --c1: #cf6a12; --c2: #17876a; --c3: #9b4fc0; --c4: #c23355; --c5: #6f767e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1d2126; --ink: #e7e9ec; --muted: #9ba4af; --line: #30363d;
    --accent: #79aaff; --accent-rgb: 96 152 250; --wrong-rgb: 240 145 60;
    --warn: #b4430f;
    --c0: #79aaff; --c1: #f29b4b; --c2: #4cc3a0; --c3: #c58ae6; --c4: #f07a95; --c5: #a3abb5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 60rem; margin: 0 auto; padding: 3rem 1.25rem 5rem; }
h1 { margin: 0; font-size: clamp(1.9rem, 6vw, 2.6rem); line-height: 1.15; letter-spacing: -.02em; }
h2 { margin: 0 0 1rem; font-size: 1.35rem; line-height: 1.25; letter-spacing: -.01em; }
h3 { margin: 1.75rem 0 .6rem; font-size: 1rem; }
p { margin: 0 0 1rem; max-width: 46rem; }
a { color: var(--accent); }
.eyebrow { margin: 0 0 .35rem; color: var(--muted); }
.note { color: var(--muted); font-size: .925rem; }
.badge {
  margin: 0 0 2rem; padding: .9rem 1.1rem; max-width: none; border-radius: .6rem;
  background: var(--warn); color: #fff;
}
.badge strong { display: block; font-size: 1.6rem; line-height: 1.3; }
.facts { display: flex; flex-wrap: wrap; gap: .9rem 2.75rem; margin: 1.5rem 0 0; }
.facts dt { color: var(--muted); font-size: .85rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .35rem 1.2rem; margin: 1.9rem 0 0; font-size: .925rem; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
section { margin-top: 2.5rem; padding-top: 2.25rem; border-top: 1px solid var(--line); }
.score { margin: 0 0 1.25rem; }
.score data {
  display: block; font-size: clamp(1.55rem, 7.4vw, 3rem); font-weight: 650; line-height: 1.2;
  letter-spacing: -.02em; color: var(--accent);
}
.columns h3 { margin-top: 0; }
.columns { display: grid; gap: 1.5rem 2.25rem; align-items: start; margin: 1.25rem 0; }
.columns.half { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.columns.third { grid-template-columns: repeat(auto-fit, minmax(min(100%, 16.5rem), 1fr)); }
.columns > * { min-width: 0; }
.columns.loose { display: flex; flex-wrap: wrap; gap: .5rem 3rem; }
.columns.loose > * { max-width: 100%; }
figure { margin: 0; }
figcaption { margin-bottom: .4rem; font-size: .925rem; font-weight: 600; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.legend {
  display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; margin: 0; padding: 0; list-style: none;
  font-size: .925rem;
}
.stroke {
  display: inline-block; width: 1.5rem; margin-right: .5rem; vertical-align: middle;
  border-top: 3px solid;
}
.scroll { overflow-x: auto; margin: 0 0 1rem; }
table { border-collapse: collapse; font-size: .925rem; line-height: 1.4; }
th, td {
  padding: .38rem 1.1rem .38rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top;
}
th { font-weight: 400; }
thead th { color: var(--muted); font-size: .85rem; vertical-align: bottom; }
tbody tr:last-child > * { border-bottom-color: transparent; }
.number { text-align: right; white-space: nowrap; }
.matrix { border-collapse: separate; border-spacing: 2px; }
.matrix th, .matrix td { padding: .32rem .5rem; border: 0; text-align: right; }
.matrix td { min-width: 2.6rem; border-radius: .25rem; background: var(--card); }
.matrix .right { background: rgb(var(--accent-rgb) / calc(.08 + .34 * var(--heat))); }
.matrix .wrong { background: rgb(var(--wrong-rgb) / calc(.1 + .56 * var(--heat))); }
.matrix .none { color: var(--muted); }
.matrix .upright { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; }
.matrix tbody th {
  position: sticky; left: 0; max-width: 10rem; background: var(--paper);
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
.matrix .total { background: none; color: var(--muted); }
.matrix caption { caption-side: top; padding: 0 0 .4rem; text-align: left; color: var(--muted); }
img { display: block; image-rendering: pixelated; }
.map { width: 30rem; border: 1px solid var(--line); }
.map img { width: 100%; }
.pictures {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(8.25rem, 1fr));
  gap: 1.4rem 1.1rem; margin: 1.25rem 0 0; padding: 0; list-style: none;
}
.pictures img, .pictures .blank {
  width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: .4rem; background: var(--card);
}
.pictures .blank { display: grid; place-items: center; color: var(--muted); font-size: .85rem; }
.pictures figcaption { margin: .45rem 0 0; font-size: .85rem; font-weight: 400; line-height: 1.4; }
.pictures figcaption > * { display: block; overflow-wrap: anywhere; }
.pictures .off { color: var(--c1); }
.pictures .id { color: var(--muted); }
.cases {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr));
  gap: 1.6rem 1.5rem; margin: 1.25rem 0 0; padding: 0; list-style: none;
}
.seen { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: .4rem; }
.seen img { width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--card); }
.seen figcaption { margin: .3rem 0 0; font-size: .8rem; font-weight: 400; color: var(--muted); }
.cases p { margin: .3rem 0 0; font-size: .85rem; line-height: 1.4; }
.cases p > * { display: block; overflow-wrap: anywhere; }
.cases .id { color: var(--muted); }
pre {
  margin: 0; padding: .9rem 1.1rem; border-radius: .6rem; background: var(--card);
  font: .85rem/1.7 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
.scroll:has(> pre) { border-radius: .6rem; background: var(--card); }
.scroll > pre { width: max-content; min-width: 100%; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media print { nav { display: none; } section { break-inside: avoid; } }
"""
