/* global document, devicePixelRatio, matchMedia, ResizeObserver, uPlot, getComputedStyle */
/**
 * Draws the charts that the page carries as data, and makes them work by mouse, finger and keyboard. Runs in the reader's
 * browser as it stands here, behind uPlot in one module. Whatever comes from the data is set as text, never as markup.
 * @typedef {import('../chart.ts').Chart} Chart
 * @typedef {import('../chart.ts').Line} Line
 */
const HEIGHT_PX = 280;
const MAX_LOG_TICKS = 8;
/** Steps between ticks that are round on a clock, from a second to a day. */
const CLOCK_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const SVG = 'http://www.w3.org/2000/svg';
/** Ticks of the percentile axis, as log10(1 / (1 − p)). */
const NINES = [0, 0.30103, 1, 2, 3, 4, 5];
const NINES_NAMES = ['0', '50', '90', '99', '99.9', '99.99', '99.999'];

const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** As the server writes them: three figures that mean something. */
function figure(value, kind) {
  if (value === null || value === undefined) return '–';
  if (kind === 'nines') return `${(100 * (1 - 10 ** -value)).toFixed(value > 3 ? 3 : value > 2 ? 2 : 1)} %`;
  if (kind === 'seconds') return value < 60 ? `${Number(value.toFixed(1))} s` : clock(value);
  if (kind === 'ms') return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3)} ms`;
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 0 });
}

const pad = (value) => String(Math.floor(value)).padStart(2, '0');

function clock(seconds) {
  const hours = seconds >= 3600 ? `${Math.floor(seconds / 3600)}:` : '';
  return `${hours}${pad((seconds % 3600) / 60)}:${pad(seconds % 60)}`;
}

function tick(value, kind) {
  if (kind === 'nines') return NINES_NAMES[NINES.indexOf(value)] ?? '';
  if (kind === 'seconds') return clock(value);
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
}

/** Few rates are named where they were measured; more, where there is room. */
function rateTicks(xs) {
  return (chart, _axis, low, high) => {
    let free = -Infinity;
    return xs
      .filter((x) => x >= low && x <= high)
      .filter((x) => {
        const at = chart.valToPos(x, 'x');
        if (at < free) return false;
        free = at + 44;
        return true;
      });
  };
}

function axisOf(axis, xs, isX) {
  const common = {
    stroke: colourOf('quiet'),
    font: FONT,
    ...(axis.kind === 'seconds' && { incrs: CLOCK_STEPS_S }),
    grid: { show: !isX, stroke: colourOf('rule'), width: 1 },
    ticks: { show: isX, stroke: colourOf('rule'), size: 5 },
    label: axis.label,
    labelFont: FONT,
    labelSize: isX ? 20 : 18,
    size: isX ? 34 : 52,
    // Which ticks of a logarithmic axis are named is said here, and not by uPlot.
    filter: (_chart, ticks) => ticks,
  };
  const values = (_chart, ticks) => ticks.map((value) => tick(value, axis.kind));
  if (isX && axis.kind === 'nines') {
    return { ...common, splits: (_chart, _axis, _low, high) => NINES.filter((each) => each <= high), values };
  }
  if (isX && axis.kind === 'rate') {
    return { ...common, splits: rateTicks(xs), values };
  }
  if (axis.isLog) return { ...common, splits: (_chart, _axis, low, high) => logTicks(low, high), values };
  return { ...common, values };
}

/** 1, 2 and 5 of each power of ten, or the powers alone where that would be many. */
function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const step of [1, 2, 5]) ticks.push(Number((step * 10 ** power).toPrecision(1)));
  }
  const within = ticks.filter((value) => value >= low && value <= high);
  const powers = within.filter((value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6));
  return within.length > MAX_LOG_TICKS && powers.length > 1 ? powers : within;
}

function scaleOf(axis, values) {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), 0);
  if (axis.isLog) return { distr: 3, range: () => [low * 0.8, high * 1.25] };
  return { range: () => (axis.kind === 'rate' && axis.isX ? [low * 0.97, high * 1.03] : [0, high * 1.06 || 1]) };
}

function crosses(chart, seriesIndex) {
  const { ctx } = chart;
  const size = 3.5 * devicePixelRatio;
  const [xs, values] = [chart.data[0], chart.data[seriesIndex]];
  ctx.save();
  ctx.strokeStyle = colourOf('error');
  ctx.lineWidth = 1.5 * devicePixelRatio;
  // The dash of the line before is still set.
  ctx.setLineDash([]);
  ctx.beginPath();
  for (let index = 0; index < xs.length; index += 1) {
    if (values[index] === null) continue;
    const x = chart.valToPos(xs[index], 'x', true);
    const y = chart.valToPos(values[index], 'y', true);
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x + size, y - size);
    ctx.lineTo(x - size, y + size);
  }
  ctx.stroke();
  ctx.restore();
  return null;
}

function seriesOf(line, index) {
  const stroke = colourOf(line.colour);
  const isCross = line.mark === 'cross';
  return {
    label: line.label,
    stroke,
    width: line.isScattered ? 0 : line.isBold ? 2.25 : 1.25,
    dash: line.dash,
    ...((line.isScattered || isCross) && { paths: () => null }),
    spanGaps: true,
    points: isCross
      ? { show: (chart) => void crosses(chart, index + 1) }
      : { show: line.mark === 'dot', size: line.isBold ? 7 : 6, width: 1.5, stroke, fill: colourOf('page') },
  };
}

/** The knee as a band with its name; borders of steps as faint lines. */
function drawSpans(chart, spans) {
  const { ctx, bbox } = chart;
  ctx.save();
  for (const { from, to, label } of spans) {
    const left = Math.max(bbox.left, chart.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, chart.valToPos(to, 'x', true));
    const isKnee = label === 'knee';
    ctx.fillStyle = colourOf(isKnee ? 'knee' : 'quiet');
    if (isKnee) {
      ctx.globalAlpha = 0.1;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.globalAlpha = 1;
    }
    ctx.globalAlpha = isKnee ? 1 : 0.35;
    ctx.fillRect(Math.round(right), bbox.top, 1, bbox.height);
    ctx.globalAlpha = 1;
    ctx.font = FONT.replace('12px', `${(isKnee ? 12 : 11) * devicePixelRatio}px`);
    ctx.textAlign = 'center';
    if (isKnee || right - left > ctx.measureText(label).width + 6) {
      ctx.fillText(label, (left + right) / 2, bbox.top - 6 * devicePixelRatio);
    }
  }
  ctx.restore();
}

/** What the lines are called and, under the cursor, what they say. */
function readoutOf(view, chart) {
  const list = document.createElement('ul');
  list.className = 'readout';
  list.setAttribute('aria-live', 'polite');
  const values = view.lines.map((line) => {
    const item = list.appendChild(document.createElement('li'));
    item.append(sample(line), `${line.label} `);
    const value = item.appendChild(document.createElement('span'));
    value.className = 'value';
    return value;
  });
  const at = list.appendChild(document.createElement('li'));
  at.className = 'at';
  return {
    list,
    show(index) {
      const isOn = index !== null && index !== undefined;
      at.textContent = isOn ? `at ${atText(view.xs[index], chart.x)}` : '';
      for (const [number, value] of values.entries()) {
        value.textContent = isOn ? figure(view.lines[number].values[index], chart.y.kind) : '';
      }
    },
  };
}

function atText(x, axis) {
  return axis.kind === 'rate' ? `${figure(x, 'rate')}/s` : figure(x, axis.kind);
}

/** A line as it is drawn: its dash, weight and mark tell it apart without its colour. */
function sample({ colour, isBold, dash: lengths, isScattered, mark }) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', `colour-${colour}`);
  svg.setAttribute('viewBox', '0 0 26 10');
  svg.setAttribute('aria-hidden', 'true');
  const add = (name, attributes) => {
    const part = svg.appendChild(document.createElementNS(SVG, name));
    for (const [key, value] of Object.entries({ fill: 'none', stroke: 'currentColor', ...attributes })) {
      part.setAttribute(key, value);
    }
  };
  const dash = lengths.length === 0 ? {} : { 'stroke-dasharray': lengths.join(' ') };
  if (!isScattered) add('path', { d: 'M0 5H26', 'stroke-width': isBold ? 2.25 : 1.25, ...dash });
  if (mark === 'dot') add('circle', { cx: 13, cy: 5, r: isBold ? 3.5 : 2.8, fill: 'var(--page)', 'stroke-width': 1.5 });
  if (mark === 'cross') add('path', { d: 'M9 1l8 8m0-8l-8 8', 'stroke-width': 1.5 });
  return svg;
}

function draw(figureElement, chart, view) {
  figureElement.querySelector('.plot')?.remove();
  figureElement.querySelector('.readout')?.remove();
  const plot = document.createElement('div');
  plot.className = 'plot';
  plot.tabIndex = 0;
  plot.setAttribute('role', 'group');
  plot.setAttribute('aria-label', `${chart.title}, ${view.label}. Arrow keys read it value by value.`);
  const readout = readoutOf(view, chart);
  figureElement.append(plot, readout.list);
  const values = view.lines.flatMap((line) => line.values.filter((value) => value !== null));
  const drawn = new uPlot(
    {
      width: plot.clientWidth,
      height: HEIGHT_PX,
      padding: [20, 14, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: false, y: false },
        points: { size: 8, width: 0, fill: (_chart, index) => colourOf(view.lines[index - 1].colour) },
        y: false,
      },
      scales: { x: { time: false, ...scaleOf({ ...chart.x, isX: true }, view.xs) }, y: scaleOf(chart.y, values) },
      axes: [axisOf(chart.x, view.xs, true), axisOf(chart.y, [], false)],
      series: [{}, ...view.lines.map((line, index) => seriesOf(line, index))],
      hooks: {
        drawClear: [(self) => drawSpans(self, chart.spans)],
        setCursor: [(self) => readout.show(self.cursor.left >= 0 ? self.cursor.idx : null)],
      },
    },
    [view.xs, ...view.lines.map((line) => line.values)],
    plot,
  );
  readout.show(null);
  plot.addEventListener('keydown', (event) => readByKey(event, drawn, view.xs));
  plot.addEventListener('blur', () => drawn.setCursor({ left: -10, top: -10 }));
  return drawn;
}

function readByKey(event, drawn, xs) {
  const last = xs.length - 1;
  const now = drawn.cursor.left >= 0 ? (drawn.cursor.idx ?? -1) : -1;
  const next = {
    ArrowRight: Math.min(last, now + 1),
    ArrowLeft: now < 0 ? last : Math.max(0, now - 1),
    Home: 0,
    End: last,
    Escape: -1,
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  if (next < 0) drawn.setCursor({ left: -10, top: -10 });
  else drawn.setCursor({ left: drawn.valToPos(xs[next], 'x'), top: 10 });
}

function mount(figureElement, chart) {
  const select = figureElement.querySelector('select');
  if (select !== null) select.value = String(chart.views.length - 1);
  let drawn = null;
  const redraw = () => {
    drawn?.destroy();
    drawn = draw(figureElement, chart, chart.views[select === null ? 0 : Number(select.value)]);
  };
  redraw();
  select?.addEventListener('change', redraw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  new ResizeObserver(() => {
    const { clientWidth } = figureElement;
    if (clientWidth !== drawn.width) drawn.setSize({ width: clientWidth, height: HEIGHT_PX });
  }).observe(figureElement);
}

/** @type {Chart[]} */
const charts = JSON.parse(document.getElementById('charts').textContent);
for (const figureElement of document.querySelectorAll('[data-chart]')) {
  const chart = charts.find(({ id }) => id === figureElement.dataset.chart);
  if (chart === undefined) continue;
  if (typeof uPlot === 'undefined') figureElement.append('uPlot was not installed; the figures are in the tables.');
  else mount(figureElement, chart);
}
