/** Strings that are kept for long, made so that they are cheap to compare. */

/**
 * The one copy that V8 has of a text: equal texts that came this way are the same object, so that comparing them, and finding them in a
 * Map, is comparing pointers. It also lets go of a longer text that it was cut from. Costs a lookup in a table of the whole process: for
 * what is kept (names, entries of tables), not for what comes once.
 */
export function ownText(text: string): string {
  // A name of a property is always such a copy.
  return Object.keys({ [text]: 0 })[0]!
}
