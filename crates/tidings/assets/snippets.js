// The lines to copy: shell, JavaScript and PHP for what is on the screen, quoted so that any topic and any data
// survives. A token is never written into them; they read it from the environment.

import { publishPath } from './hub.js';
import { eventsPath } from './selection.js';

/** One word for a POSIX shell. Between single quotes everything is literal but the single quote itself. */
export function shellQuote(text) {
  if (/^[A-Za-z0-9_/:=.,%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A PHP string. Between single quotes only the backslash and the single quote are special. */
export function phpQuote(text) {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** A JavaScript string that is also safe inside a script element. */
export function scriptQuote(text) {
  return JSON.stringify(text).replaceAll('<', '\\u003c');
}

const SHELL_TOKEN = ` \\\n  -H "Authorization: Bearer $TIDINGS_TOKEN"`;

export function curlSubscribe(origin, selection, withToken) {
  // -N: show each event as it comes.
  return `curl -N ${shellQuote(origin + eventsPath(selection))}${withToken ? SHELL_TOKEN : ''}`;
}

export function curlPublish(origin, publication, withToken) {
  // --data-raw: -d would take data that begins with "@" for a file name.
  const data = `--data-raw ${shellQuote(publication.data)}`;
  return `curl ${shellQuote(origin + publishPath(publication))} \\\n  ${data}${withToken ? SHELL_TOKEN : ''}`;
}

/** `types`: the event types to listen for besides `message`, since EventSource hands over only those it was asked for. */
export function eventSource(origin, selection, types, withToken) {
  const lines = [
    `const events = new EventSource(${scriptQuote(origin + eventsPath(selection))});`,
    'const show = (event) => console.log(event.type, event.lastEventId, event.data);',
    'events.onmessage = show;',
    ...types.map((type) => `events.addEventListener(${scriptQuote(type)}, show);`),
    'events.onerror = () => console.log(events.readyState === EventSource.CLOSED ? "closed" : "reconnecting");',
  ];
  if (withToken) lines.unshift('// EventSource sends no Authorization header: give anonymous access, or a cookie.');
  return lines.join('\n');
}

export function phpPublish(origin, publication, withToken) {
  const headers = ["'Content-Type: text/plain'"];
  if (withToken) headers.push("'Authorization: Bearer ' . getenv('TIDINGS_TOKEN')");
  return [
    `$request = curl_init(${phpQuote(origin + publishPath(publication))});`,
    'curl_setopt_array($request, [',
    `    CURLOPT_POSTFIELDS => ${phpQuote(publication.data)},`,
    `    CURLOPT_HTTPHEADER => [${headers.join(', ')}],`,
    '    CURLOPT_RETURNTRANSFER => true,',
    ']);',
    'echo curl_exec($request);',
  ].join('\n');
}
