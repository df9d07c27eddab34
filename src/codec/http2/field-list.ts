/** Fields of a header block, as they are read. */

/** What HPACK has read: name, value, name, value. The list is used again for the next block: `count` says how much of it is this one's. */
export interface FieldList {
  readonly list: readonly string[]
  /** Names and values, so twice the fields. */
  count: number
}

/** All of a list. */
export function fieldList(list: readonly string[]): FieldList {
  return { list, count: list.length }
}

/** Names and values that steps and policies add to a message, usually: for these no list has to grow. */
export const fieldsAddedMax = 16

/**
 * A copy of the list from `start` on, to be filled with what of it is kept; `keep` cuts it to that.
 * Made in one piece with room behind: a list that grows by and by is copied three times, and its first pieces are garbage.
 */
export function copyFields({ list, count }: FieldList, start: number): string[] {
  return list.slice(start, count + fieldsAddedMax)
}
