// What an answer that is no success says, in words for a person.

/** More of an error page than this helps nobody. */
const LONGEST_DETAIL = 300;

/**
 * The `detail` of a problem document (RFC 9457), or else the answer's own text.
 * @param {Response} response
 * @returns {Promise<string>}
 */
export async function problemDetail(response) {
  const text = await response.text().catch(() => '');
  try {
    const { detail, message } = JSON.parse(text);
    const said = detail ?? message;
    if (typeof said === 'string' && said !== '') return said;
  } catch {
    // No JSON: what follows is as good as it gets.
  }
  const isPage = text.trimStart().startsWith('<');
  return (isPage ? '' : text.trim().slice(0, LONGEST_DETAIL)) || `The hub answered ${response.status}`;
}

/** Statuses that trying again does not change: a person has to. */
const FINAL = new Set([400, 401, 403, 404, 419]);

/** @param {number} status */
export function isFinal(status) {
  return FINAL.has(status);
}
