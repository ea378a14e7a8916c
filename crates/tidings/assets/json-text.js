// JSON as it was sent, laid out for reading. The text is cut into tokens and indented, never decoded and encoded again:
// large numbers, escapes and repeated keys are shown exactly as they came.

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
const INDENT = '  ';

/** Whether the text is a JSON object or array; a bare number or string reads best as it is. */
export function isJsonDocument(text) {
  const first = text.trimStart()[0];
  if (first !== '{' && first !== '[') return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Valid JSON as a list of pieces, to be set one after the other.
 * @returns {{kind: 'key'|'string'|'number'|'word'|'mark', text: string}[]}
 */
export function layOut(json) {
  const tokens = json.match(TOKEN).filter((token) => token.trim() !== '');
  const pieces = [];
  let depth = 0;
  const mark = (text) => pieces.push({ kind: 'mark', text });
  const newLine = () => `\n${INDENT.repeat(depth)}`;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    const next = tokens[at + 1];
    if (token === '{' || token === '[') {
      if (next === '}' || next === ']') {
        mark(token + next);
        at += 1;
      } else {
        depth += 1;
        mark(token + newLine());
      }
    } else if (token === '}' || token === ']') {
      depth -= 1;
      mark(newLine() + token);
    } else if (token === ',') {
      mark(`,${newLine()}`);
    } else if (token === ':') {
      mark(': ');
    } else {
      pieces.push({ kind: kindOf(token, next), text: token });
    }
  }
  return pieces;
}

function kindOf(token, next) {
  if (token[0] === '"') return next === ':' ? 'key' : 'string';
  return /^[-0-9]/.test(token) ? 'number' : 'word';
}
