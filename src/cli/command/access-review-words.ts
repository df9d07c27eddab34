/** Conditions of access in words, for a line of a table. */
import type { Combined, Permission, Principal } from '#/model/access.ts'

type Leaf = Exclude<Principal | Permission, Combined<never>>

const all = 'everything'

/** `GET or POST, path /orders/*`. */
export function conditionText(condition: Combined<Leaf>): string {
  switch (condition.type) {
    case 'any':
      return all
    case 'and':
      return condition.conditions.length === 0 ? all : condition.conditions.map(partText).join(', ')
    case 'or':
      return condition.conditions.length === 0 ? 'nothing' : alternatives(condition.conditions)
    case 'not':
      return condition.condition.type === 'any' ? 'nothing' : `not (${conditionText(condition.condition)})`
    default:
      return leafText(condition)
  }
}

/** What is joined by `or` inside of what is joined by commas. */
function partText(condition: Combined<Leaf>): string {
  const text = conditionText(condition)
  return condition.type === 'or' && text.includes(', ') ? `(${text})` : text
}

function alternatives(conditions: readonly Combined<Leaf>[]): string {
  return [
    ...new Set(conditions.map((one) => (one.type === 'and' ? `(${conditionText(one)})` : conditionText(one)))),
  ].join(' or ')
}

function leafText(leaf: Leaf): string {
  switch (leaf.type) {
    case 'authenticated':
      return leaf.match.type === 'exact' ? leaf.match.value : `${leaf.match.type} ${leaf.match.value}`
    case 'address':
      return `${leaf.block.address}/${leaf.block.prefixBits}`
    case 'port':
      return `port ${leaf.port}`
    case 'path':
      return leaf.match.type === 'exact' || leaf.match.type === 'template'
        ? leaf.match.value
        : `path ${leaf.match.type} ${leaf.match.value}`
    case 'header': {
      const { name, type, value, isInverted } = leaf.match
      if (name === ':method' && type === 'exact') return isInverted ? `not ${value}` : value
      const text = type === 'present' ? name : `${name} ${type} ${value}`
      return isInverted ? `not (${text})` : text
    }
    default:
      return 'what can not be told here'
  }
}
