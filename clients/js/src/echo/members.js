// Who is in a presence channel.
//
// The list comes as the answer to a request, and changes come on the stream, which may be ahead of that answer or behind
// it. So while a list is on its way, changes are noted, and made again on the list once it is there: a change is
// never older than the one before it for the same user, so the end is right in any case.

/** What tells one user from another: the application's `id` if it gives one, or else all that it tells of them. */
function keyOf(/** @type {any} */ user) {
  const id = user?.id;
  return JSON.stringify(id === undefined ? ['user', user] : ['id', String(id)]);
}

export class Members {
  #users = new Map();
  /** Changes since the list was asked for; null when none is on its way. */
  #changes = /** @type {Map<string, { user: unknown, isHere: boolean }> | null} */ (null);

  list() {
    return [...this.#users.values()];
  }

  /** A list is asked for. */
  expect() {
    this.#changes = new Map();
  }

  /** The list is there. */
  replace(/** @type {unknown[]} */ users) {
    this.#users = new Map(users.map((user) => [keyOf(user), user]));
    for (const [key, { user, isHere }] of this.#changes ?? []) {
      if (isHere) this.#users.set(key, user);
      else this.#users.delete(key);
    }
    this.#changes = null;
  }

  /** Somebody came. Whether that is news to those who know the list. */
  join(/** @type {unknown} */ user) {
    return this.#change(user, true);
  }

  /** Somebody left. Whether that is news to those who know the list. */
  leave(/** @type {unknown} */ user) {
    return this.#change(user, false);
  }

  /**
   * @param {unknown} user
   * @param {boolean} isHere
   */
  #change(user, isHere) {
    const key = keyOf(user);
    if (this.#changes !== null) {
      this.#changes.set(key, { user, isHere });
      return false;
    }
    const isNews = this.#users.has(key) !== isHere;
    if (isHere) this.#users.set(key, user);
    else this.#users.delete(key);
    return isNews;
  }
}
