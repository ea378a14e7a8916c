// Who is in a presence channel.
//
// The list comes as the answer to a request, and changes come on the stream, which may be ahead of that answer or behind
// it, and after a reconnect brings those of before first. So while a list is on its way, changes are noted, and made
// again on the list once it is there: of one user, a change is never older than the one before it, so the end is right in
// any case. Users whom the application gives no `id` cannot be told apart like that. They are counted, and of their
// changes the list itself knows best.

/** What tells one user from the others; undefined if nothing does. */
function idOf(/** @type {any} */ user) {
  const id = user?.id;
  return id === undefined || id === null ? undefined : String(id);
}

/**
 * @param {unknown} user
 * @returns {(other: unknown) => boolean} Whether that is the same, as far as can be told.
 */
function sameAs(user) {
  const id = idOf(user);
  if (id !== undefined) return (other) => idOf(other) === id;
  const text = JSON.stringify(user);
  return (other) => JSON.stringify(other) === text;
}

export class Members {
  #users = /** @type {unknown[]} */ ([]);
  /** Changes since the list was asked for; null when none is on its way. */
  #changes = /** @type {Map<string, { user: unknown, isHere: boolean }> | null} */ (null);

  list() {
    return [...this.#users];
  }

  /** A list is asked for. */
  expect() {
    this.#changes = new Map();
  }

  /** The list is there. */
  replace(/** @type {unknown[]} */ users) {
    const changes = this.#changes ?? new Map();
    this.#changes = null;
    this.#users = [...users];
    for (const { user, isHere } of changes.values()) this.change(user, isHere);
  }

  /**
   * Somebody came or left.
   * @param {unknown} user
   * @param {boolean} isHere
   * @returns {boolean} Whether that is news to those who know the list.
   */
  change(user, isHere) {
    const id = idOf(user);
    if (this.#changes !== null) {
      if (id !== undefined) this.#changes.set(id, { user, isHere });
      return false;
    }
    const index = this.#users.findIndex(sameAs(user));
    if (isHere) {
      if (id !== undefined && index >= 0) return false;
      this.#users.push(user);
    } else {
      if (index < 0) return false;
      this.#users.splice(index, 1);
    }
    return true;
  }
}
