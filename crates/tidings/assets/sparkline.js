// A small line chart in SVG, drawn by hand: the last values, oldest on the left.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 100;
const HEIGHT = 24;
/** Fewer values than this are drawn as if there were as many, at the right: a first step should not fill the width. */
const FEWEST = 12;

/** A sparkline of at most `capacity` values. `describe(values)` gives the words for those who do not see it. */
export class Sparkline {
  #line = document.createElementNS(SVG, 'polyline');
  #area = document.createElementNS(SVG, 'polygon');
  #values = [];
  #capacity;
  #fromZero;
  #describe;

  constructor({ capacity = 60, fromZero = true, describe }) {
    this.#capacity = capacity;
    this.#fromZero = fromZero;
    this.#describe = describe;
    this.node = document.createElementNS(SVG, 'svg');
    this.node.setAttribute('class', 'sparkline');
    this.node.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.node.setAttribute('preserveAspectRatio', 'none');
    this.node.setAttribute('role', 'img');
    this.node.setAttribute('aria-label', 'No values yet');
    this.#area.setAttribute('class', 'sparkline-area');
    this.#line.setAttribute('class', 'sparkline-line');
    this.#line.setAttribute('vector-effect', 'non-scaling-stroke');
    this.node.append(this.#area, this.#line);
  }

  push(value) {
    this.#values.push(value);
    if (this.#values.length > this.#capacity) this.#values.shift();
    this.#draw();
  }

  #draw() {
    const values = this.#values;
    const top = Math.max(...values);
    const bottom = this.#fromZero ? 0 : Math.min(...values);
    const span = top - bottom;
    const step = WIDTH / (Math.max(values.length, FEWEST) - 1);
    const left = WIDTH - (values.length - 1) * step;
    const points = values.map((value, index) => {
      // All the same: a line at the foot when that is zero, else in the middle.
      const height = span > 0 ? (value - bottom) / span : this.#fromZero ? 0 : 0.5;
      return `${(left + index * step).toFixed(1)},${(HEIGHT - 2 - height * (HEIGHT - 4)).toFixed(1)}`;
    });
    this.#line.setAttribute('points', points.join(' '));
    this.#area.setAttribute('points', `${left.toFixed(1)},${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`);
    this.node.setAttribute('aria-label', this.#describe(values));
  }
}
