/** The look of a report: for a screen and for a page of a paper. */
export const STYLE = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 960px;
  margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; border-bottom: 1px solid #ddd;
  padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p.lead { color: #444; margin: .2rem 0 1rem; }
.verdict { display: inline-block; padding: .15rem .7rem; border-radius: 4px; font-weight: 600; }
.verdict.good { background: #e3f1e6; color: #205c2f; }
.verdict.bad { background: #f7e0e3; color: #8a1f33; }
.verdict.partial { background: #f6edd8; color: #6d4f0c; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .4rem 1rem; }
dt { font-size: .8rem; color: #666; } dd { margin: 0; font-variant-numeric: tabular-nums; }
dl > div { border-left: 3px solid #dde3ea; padding-left: .6rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; margin: .6rem 0 1.2rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #eee;
  vertical-align: top; font-variant-numeric: tabular-nums; }
th.number, td.number { text-align: right; padding-right: 1rem; }
th { color: #555; font-weight: 600; border-bottom-color: #bbb; }
code { font: .85em/1.4 ui-monospace, monospace; background: #f4f5f7; padding: .05rem .3rem;
  border-radius: 3px; overflow-wrap: anywhere; }
figure { margin: .5rem 0; overflow-x: auto; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; }
.pair figure { width: calc(50% - .5rem); } .pair svg { max-width: 100%; height: auto; }
.time { white-space: nowrap; }
small { color: #666; }
details { margin: .4rem 0 1.2rem; } summary { cursor: pointer; font-size: .87rem; color: #3b6ea8; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } }
`;
