/**
 * An event's data as the application sent it: JSON, or text that is none.
 * @param {string} text
 * @returns {any}
 */
export function parseData(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
