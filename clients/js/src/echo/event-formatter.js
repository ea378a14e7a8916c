// Event names as Echo's users write them, and as they are on the wire: PHP class names, or what `broadcastAs()` says.

export class EventFormatter {
  /** `App\Events`, or empty when names are taken as they are. */
  #namespace;

  /** @param {string | false | null | undefined} namespace */
  constructor(namespace) {
    this.#namespace = (namespace || '').replaceAll('.', '\\');
  }

  /** `OrderShipped` → `App\Events\OrderShipped`; a leading dot or backslash says that the name is complete. */
  format(/** @type {string} */ event) {
    if (event.startsWith('.') || event.startsWith('\\')) return event.slice(1);
    const name = event.replaceAll('.', '\\');
    return this.#namespace === '' ? name : `${this.#namespace}\\${name}`;
  }

  /** The other way round: what `listen` would be given for this name. */
  unformat(/** @type {string} */ name) {
    const inside = this.#namespace !== '' && name.startsWith(`${this.#namespace}\\`);
    return inside ? name.slice(this.#namespace.length + 1) : `.${name}`;
  }
}
