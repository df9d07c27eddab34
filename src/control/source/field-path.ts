/** Paths to fields: `spec.rules[0].name`, `metadata.labels["example.com/app"]` ⇄ their steps. */

export type FieldPath = readonly (string | number)[]

const plain = /^[A-Za-z_$][\w-]*$/

export function formatPath(path: FieldPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (plain.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

/** The inverse of `formatPath`; what is no path has no steps. */
export function parsePath(text: string): (string | number)[] {
  const steps: (string | number)[] = []
  for (const [, index, quoted, name] of text.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g)) {
    if (index !== undefined) steps.push(Number(index))
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string)
    else steps.push(name!)
  }
  return steps
}
