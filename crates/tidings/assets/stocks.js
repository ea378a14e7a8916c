// A table that follows the topic `stocks`: one row for each article, changed cells marked, the trend drawn.

import { keepOpen } from './demo-connection.js';
import { byId, element, setText } from './dom.js';
import { getStats, pollEvery } from './hub.js';
import { Sparkline } from './sparkline.js';

const MOST_ROWS = 100;
/** Spoken no more often than this: a table that changes each second would never let a screen reader finish. */
const SPEAK_EVERY_MS = 20_000;
const COUNT_EVERY_MS = 1_000;

const price = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const rows = new Map();
let spokenAt = 0;

function newRow({ sku, name }) {
  const cell = (className) => element('td', { class: className });
  const cells = { price: cell('number'), change: cell('number'), stock: cell('number') };
  const trend = new Sparkline({ fromZero: false, describe: (values) => `from ${price.format(values[0])} to ${price.format(values.at(-1))}` });
  const node = element(
    'tr',
    { 'data-sku': sku },
    element('td', { class: 'sku mono' }, sku),
    element('th', { scope: 'row', class: 'name' }, element('bdi', {}, name ?? sku)),
    cells.price,
    cells.change,
    cells.stock,
    element('td', { class: 'trend' }, trend.node),
  );
  byId('rows').append(node);
  return { cells, trend, node, price: null };
}

function setCell(cell, text) {
  if (cell.textContent === text) return;
  const first = cell.textContent === '';
  cell.textContent = text;
  if (first) return;
  cell.classList.remove('changed');
  // Reading the width restarts the animation.
  void cell.offsetWidth;
  cell.classList.add('changed');
}

function showChange(cell, change) {
  const direction = change > 0 ? 'up' : change < 0 ? 'down' : 'none';
  cell.className = direction === 'none' ? 'number muted' : `number move-${direction}`;
  const mark = { up: '▲', down: '▼', none: '·' }[direction];
  const words = { up: 'up ', down: 'down ', none: 'unchanged' }[direction];
  cell.replaceChildren(
    element('span', { 'aria-hidden': 'true' }, `${mark} `),
    element('span', { class: 'visually-hidden' }, words),
    ...(direction === 'none' ? [] : [price.format(Math.abs(change))]),
  );
}

function showStocks({ stocks, timestamp }) {
  const moves = [];
  for (const stock of stocks.slice(0, MOST_ROWS)) {
    let row = rows.get(stock.sku);
    if (row === undefined) {
      row = newRow(stock);
      rows.set(stock.sku, row);
    }
    const change = row.price === null ? 0 : Math.round((stock.price - row.price) * 100) / 100;
    row.price = stock.price;
    setCell(row.cells.price, price.format(stock.price));
    setCell(row.cells.stock, String(stock.stock));
    showChange(row.cells.change, change);
    row.trend.push(stock.price);
    if (change !== 0) moves.push(`${stock.name ?? stock.sku} ${change > 0 ? 'up' : 'down'} to ${price.format(stock.price)}`);
  }
  dropOldRows();
  const at = new Date(timestamp);
  setText(byId('updated'), Number.isNaN(at.getTime()) ? '' : `Prices of ${at.toLocaleTimeString('en-GB')}`);
  if (moves.length > 0 && Date.now() - spokenAt > SPEAK_EVERY_MS) {
    spokenAt = Date.now();
    setText(byId('spoken'), moves.slice(0, 3).join(', '));
  }
}

/** Articles come and go; the table keeps the ones that appeared last. */
function dropOldRows() {
  for (const [sku, row] of rows) {
    if (rows.size <= MOST_ROWS) return;
    row.node.remove();
    rows.delete(sku);
  }
}

const connection = keepOpen(() => {
  // Prices are a state, not a story: the newest event is all that somebody who comes back needs.
  const source = new EventSource('/events?topic=stocks&last=1');
  source.onmessage = (event) => {
    let told;
    try {
      told = JSON.parse(event.data);
    } catch {
      return;
    }
    if (Array.isArray(told?.stocks)) showStocks(told);
  };
  return source;
}, byId('status'));

const counter = pollEvery(async () => {
  try {
    const { subscribers } = await getStats();
    setText(byId('subscribers'), String(subscribers));
  } catch (error) {
    setText(byId('subscribers'), '–');
    throw error;
  }
}, COUNT_EVERY_MS);

byId('toggle').addEventListener('click', () => {
  if (connection.connected) connection.disconnect();
  else connection.connect();
  setText(byId('toggle'), connection.connected ? 'Disconnect' : 'Connect');
  counter.now();
});
