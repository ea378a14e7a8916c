// The strip of numbers. The hub tells counters since its start; rates are the difference of two looks.

import { byId, element, setText } from './dom.js';
import { bytes, count, duration, rate } from './format.js';
import { getStats, pollEvery } from './hub.js';
import { Sparkline } from './sparkline.js';

const LOOK_EVERY_MS = 2_000;

/** Per-second rates between two looks; null for the first look and across a restart of the hub. */
export function ratesBetween(before, after) {
  if (before === null) return null;
  const seconds = (after.at - before.at) / 1000;
  const restarted = after.stats.uptime_seconds < before.stats.uptime_seconds || after.stats.published < before.stats.published;
  if (seconds <= 0 || restarted) return null;
  const per = (name) => Math.max(after.stats[name] - before.stats[name], 0) / seconds;
  return { published: per('published'), delivered: per('delivered'), deliveredBytes: per('delivered_bytes') };
}

function chart(id, name) {
  const line = new Sparkline({
    describe: (values) => `${name}, last ${duration((values.length * LOOK_EVERY_MS) / 1000)}: now ${rate(values.at(-1))}, at most ${rate(Math.max(...values))}`,
  });
  byId(id).append(line.node);
  return line;
}

/**
 * Keeps the strip up to date.
 * @param {{onStats: (stats: object) => void, onFailure: (error: Error) => void}} handlers
 */
export function watchStats({ onStats, onFailure }) {
  const section = byId('stats');
  const errorLine = byId('stats-error');
  const charts = {
    subscribers: chart('chart-subscribers', 'Subscribers'),
    published: chart('chart-published', 'Events in per second'),
    delivered: chart('chart-delivered', 'Deliveries per second'),
  };
  let before = null;
  let awaySince = null;
  let everShown = false;

  async function look() {
    let stats;
    try {
      stats = await getStats();
    } catch (error) {
      before = null;
      errorLine.hidden = false;
      if (error.isFinal) {
        section.dataset.state = 'denied';
        const whom = error.status === 404 ? 'on its admin address' : 'for administrators';
        setText(errorLine, `The numbers of this hub are ${whom}.`);
      } else {
        awaySince ??= new Date();
        section.dataset.state = 'away';
        const known = everShown ? ` These numbers are from before ${awaySince.toLocaleTimeString('en-GB')}.` : '';
        setText(errorLine, `${error.message}.${known}`);
      }
      onFailure(error);
      throw error;
    }
    awaySince = null;
    everShown = true;
    section.dataset.state = 'live';
    errorLine.hidden = true;
    setText(errorLine, '');
    const now = { at: performance.now(), stats };
    show(stats, ratesBetween(before, now), charts);
    before = now;
    onStats(stats);
  }

  return pollEvery(look, LOOK_EVERY_MS);
}

function show(stats, rates, charts) {
  setText(byId('stat-subscribers'), count(stats.subscribers));
  setText(byId('stat-behind'), stats.subscribers_behind > 0 ? `${count(stats.subscribers_behind)} behind` : 'all up to date');
  charts.subscribers.push(stats.subscribers);
  setText(byId('stat-published'), count(stats.published));
  setText(byId('stat-published-rate'), rates === null ? '–' : rate(rates.published));
  setText(byId('stat-delivered-rate'), rates === null ? '–' : rate(rates.delivered));
  setText(byId('stat-delivered-bytes'), rates === null ? '–' : bytes(Math.round(rates.deliveredBytes)));
  if (rates !== null) {
    charts.published.push(rates.published);
    charts.delivered.push(rates.delivered);
  }
  showLog(stats.log);
  showSources(stats.sources ?? []);
  const open = stats.open ? ' · open: no keys needed' : '';
  setText(byId('hub-info'), `version ${stats.version} · up ${duration(stats.uptime_seconds)}${open}`);
}

function showLog(log) {
  setText(byId('stat-log-events'), count(log.events));
  setText(byId('stat-log-bytes'), bytes(log.bytes));
  byId('log-tile').dataset.healthy = String(log.healthy);
  const state = byId('stat-log-state');
  state.className = log.healthy ? 'small message-good' : 'small message-bad';
  setText(state, log.healthy ? 'healthy' : `not healthy: ${log.error ?? 'no reason told'}`);
}

/** Rebuilt only when it changed, so that a scroll position or a selection in it survives. */
let shownSources = null;

function showSources(sources) {
  const key = JSON.stringify(sources);
  if (key === shownSources) return;
  shownSources = key;
  const items = sources.map(({ name, kind, state, detail, events }) => {
    const item = element(
      'li',
      { 'data-source': name },
      element('span', { class: 'source-state', 'data-state': state }, state),
      element('span', {}, name === kind ? name : `${name} (${kind})`),
      element('span', { class: 'muted' }, `${count(events)} events`),
    );
    if (detail) item.append(element('span', { class: 'muted' }, detail));
    return item;
  });
  const list = byId('sources');
  list.replaceChildren(...(items.length > 0 ? items : [element('li', { class: 'muted' }, 'none configured')]));
  // What scrolls must be reachable by keyboard; what does not should be no stop on the way.
  list.tabIndex = list.scrollHeight > list.clientHeight ? 0 : -1;
}
