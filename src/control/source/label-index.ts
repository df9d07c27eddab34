/** Which objects have the labels that a selector asks for, without a look at all of them. */

type Labels = Readonly<Record<string, string>>

interface Labelled<T> {
  item: T
  labels: Labels
}

export class LabelIndex<T> {
  /** By namespace and one label. */
  readonly #byLabel = new Map<string, Labelled<T>[]>()

  add(namespace: string, labels: Labels, item: T): void {
    for (const [name, value] of Object.entries(labels)) {
      const key = keyOf(namespace, name, value)
      const found = this.#byLabel.get(key)
      if (found) found.push({ item, labels })
      else this.#byLabel.set(key, [{ item, labels }])
    }
  }

  /** An empty selector selects nothing, as that of a Service does. */
  select(namespace: string, selector: Labels): T[] {
    const wanted = Object.entries(selector)
    let shortest: Labelled<T>[] | undefined
    for (const [name, value] of wanted) {
      const candidates = this.#byLabel.get(keyOf(namespace, name, value)) ?? []
      if (!shortest || candidates.length < shortest.length) shortest = candidates
    }
    const fitting = (shortest ?? []).filter(({ labels }) => wanted.every(([name, value]) => labels[name] === value))
    return fitting.map(({ item }) => item)
  }
}

/** Neither part holds a space (Kubernetes, labels). */
function keyOf(namespace: string, name: string, value: string): string {
  return `${namespace} ${name} ${value}`
}
