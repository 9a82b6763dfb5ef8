/**
 * A line chart as SVG text: axes with units, a line with its own colour, dash and mark for each series, its name in
 * a legend. Its colours are legible on a light and on a dark page; it has no background of its own.
 */
export interface Series {
  name: string;
  points: { x: number; y: number }[];
}

export interface Chart {
  title: string;
  /** Under what conditions, in two lines at most. */
  subtitles: string[];
  xLabel: string;
  yLabel: string;
  series: Series[];
  /** Draws x by its logarithm; all x are above 0 then. */
  logarithmic?: boolean;
}

const WIDTH = 760;
const HEIGHT = 450;
const LEFT = 70;
const RIGHT = 150;
const TOP = 84;
const BOTTOM = 58;
const GREY = '#7d8590';
/** Middle tones: about as far from white as from black. */
const LOOKS = [
  { colour: '#2f81f7', dash: '', mark: 'circle' },
  { colour: '#d9730d', dash: '7 3', mark: 'square' },
  { colour: '#1a9e54', dash: '2 3', mark: 'diamond' },
  { colour: '#b950d6', dash: '9 3 2 3', mark: 'triangle' },
] as const;
const TICKS = 6;

export function lineChart(chart: Chart): string {
  const { title, subtitles, xLabel, yLabel, series } = chart;
  const all = series.flatMap(({ points }) => points);
  const scaleX = chart.logarithmic ? logarithmic(all.map(({ x }) => x)) : linear(all.map(({ x }) => x));
  const scaleY = linear(all.map(({ y }) => y));
  const x = (value: number) => fixed(LEFT + scaleX.place(value) * (WIDTH - LEFT - RIGHT));
  const y = (value: number) => fixed(HEIGHT - BOTTOM - scaleY.place(value) * (HEIGHT - TOP - BOTTOM));
  const [right, bottom] = [WIDTH - RIGHT, HEIGHT - BOTTOM];
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="13" fill="${GREY}">`,
    `<title>${escaped(title)}</title>`,
    text(LEFT, 26, title, 'font-size="17" font-weight="600"'),
    ...subtitles.map((line, i) => text(LEFT, 45 + 17 * i, line, 'font-size="12"')),
    ...scaleY.ticks.flatMap((tick) => [
      `<line x1="${LEFT}" y1="${y(tick)}" x2="${right}" y2="${y(tick)}" stroke="${GREY}" stroke-opacity="0.25"/>`,
      text(LEFT - 8, y(tick) + 4, String(tick), 'text-anchor="end"'),
    ]),
    ...scaleX.ticks.flatMap((tick) => [
      `<line x1="${x(tick)}" y1="${bottom}" x2="${x(tick)}" y2="${bottom + 5}" stroke="${GREY}"/>`,
      text(x(tick), bottom + 20, String(tick), 'text-anchor="middle"'),
    ]),
    `<line x1="${LEFT}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="${GREY}"/>`,
    text((LEFT + right) / 2, HEIGHT - 14, xLabel, 'text-anchor="middle"'),
    text(0, 0, yLabel, `text-anchor="middle" transform="translate(20 ${(TOP + bottom) / 2}) rotate(-90)"`),
    ...series.flatMap((one, i) => line(one, LOOKS[i % LOOKS.length]!, i, x, y)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function line({ name, points }: Series, look: (typeof LOOKS)[number], i: number, x: Place, y: Place): string[] {
  const { colour, dash, mark } = look;
  const path = points.map((point, n) => `${n === 0 ? 'M' : 'L'}${x(point.x)} ${y(point.y)}`).join(' ');
  const legendY = TOP + 12 + i * 22;
  const legendX = WIDTH - RIGHT + 16;
  const stroke = `stroke="${colour}" stroke-width="2"${dash === '' ? '' : ` stroke-dasharray="${dash}"`} fill="none"`;
  return [
    `<path d="${path}" ${stroke} stroke-linejoin="round"/>`,
    ...points.map((point) => marker(mark, x(point.x), y(point.y), colour)),
    `<path d="M${legendX} ${legendY} L${legendX + 26} ${legendY}" ${stroke}/>`,
    marker(mark, legendX + 13, legendY, colour),
    text(legendX + 34, legendY + 4, name, ''),
  ];
}

function marker(mark: (typeof LOOKS)[number]['mark'], x: number, y: number, colour: string): string {
  const shape = {
    circle: `<circle cx="${x}" cy="${y}" r="4"`,
    square: `<rect x="${x - 3.5}" y="${y - 3.5}" width="7" height="7"`,
    diamond: `<path d="M${x} ${y - 5} l5 5 l-5 5 l-5 -5 z"`,
    triangle: `<path d="M${x} ${y - 5} l5 9 h-10 z"`,
  }[mark];
  return `${shape} fill="${colour}"/>`;
}

// ------------------------------------------------------------ scales

type Place = (value: number) => number;

interface Scale {
  /** 0 at the beginning of the axis, 1 at its end. */
  place: Place;
  ticks: number[];
}

/** From 0 to a round number above the highest value. */
function linear(values: number[]): Scale {
  const highest = Math.max(0, ...values.filter(Number.isFinite)) || 1;
  const raw = highest / TICKS;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= raw)!;
  const count = Math.ceil(highest / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, n) => Number((n * step).toPrecision(10)));
  return { place: (value) => value / (count * step), ticks };
}

/** Over the values there are, each with a tick. */
function logarithmic(values: number[]): Scale {
  const ticks = [...new Set(values)].sort((a, b) => a - b);
  const [first, last] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 10)];
  return { place: (value) => (last === first ? 0.5 : (Math.log(value) - first) / (last - first)), ticks };
}

const fixed = (value: number): number => Number(value.toFixed(1));

const text = (x: number, y: number, words: string, more: string): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}"${more === '' ? '' : ` ${more}`}>${escaped(words)}</text>`;

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
