/** `weft up` on a terminal: a spinner while things start, then a table, then a line a change. */
import { type Clock, systemClock } from '#/std/clock.ts'
import type { ControlReport, MeshEvent, WorkloadReport } from '#/up/mesh-event.ts'
import type { Surroundings } from '../command.ts'
import { type Colors, colorsFor } from '../output/color.ts'
import { wordsOf } from './event-words.ts'
import { hintWords, workloadTable } from './ready-words.ts'
import { Spinner } from './spinner.ts'

/** When something is not ready after this time, the table is shown all the same, ms. */
const patienceMs = 20_000

export class TerminalScreen {
  readonly #surroundings: Surroundings
  readonly #program: string
  readonly #colors: Colors
  readonly #spinner: Spinner | undefined
  readonly #clock: Clock
  readonly #workloads = new Map<string, WorkloadReport>()
  #control: ControlReport | undefined
  #startedMs: number
  #isUp = false

  constructor(options: { surroundings: Surroundings; clock?: Clock }) {
    const { surroundings, clock = systemClock } = options
    const { output, environment } = surroundings
    this.#surroundings = surroundings
    this.#program = environment.WEFT_COMMAND || 'weft'
    this.#colors = colorsFor(output)
    this.#clock = clock
    this.#startedMs = clock.monotonicMs()
    const write = (text: string): void => output.write(text)
    if (output.isTerminal) this.#spinner = new Spinner({ write, clock, columns: output.columns })
  }

  announce(event: MeshEvent): void {
    this.#remember(event)
    if (event.event === 'ready') this.#showTable()
    else if (event.event === 'hints') this.#showHints(event)
    else if (event.event === 'stopped') this.#spinner?.stop()
    else if (this.#isWorthALine(event)) this.#line(event)
    this.#spin(event)
  }

  #remember(event: MeshEvent): void {
    if (event.event === 'workload') {
      if (event.change === 'gone') this.#workloads.delete(event.workload.pod)
      else this.#workloads.set(event.workload.pod, event.workload)
    }
    if (event.event === 'control' || event.event === 'ready') this.#control = event.control
  }

  /** While everything starts, the spinner tells what becomes ready; only what is amiss gets a line. */
  #isWorthALine(event: MeshEvent): boolean {
    if (this.#isUp || !this.#spinner) return true
    if (event.event === 'control') return event.change === 'crashed'
    return event.event !== 'workload' && event.event !== 'restarted'
  }

  #line(event: MeshEvent): void {
    const { output, folder } = this.#surroundings
    const words = wordsOf(event, { colors: this.#colors, hasColor: output.hasColor, folder })
    if (words) this.#print(words)
  }

  #print(text: string): void {
    if (this.#spinner) this.#spinner.above(text)
    else this.#surroundings.output.write(text)
  }

  #spin(event: MeshEvent): void {
    if (!this.#spinner || this.#isUp) return
    if (event.event === 'stopping') {
      this.#spinner.show('stopping')
      return
    }
    if (event.event === 'stopped') return
    const waiting = [...this.#workloads.values()].filter(({ isReady }) => !isReady)
    if (this.#workloads.size === 0) {
      this.#spinner.show(this.#control?.pid ? 'starting workloads' : 'starting the control plane')
      return
    }
    const ready = this.#workloads.size - waiting.length
    const names = waiting.map(({ pod }) => pod).join(', ')
    this.#spinner.show(`${ready} of ${this.#workloads.size} replicas ready${names ? `; waiting for ${names}` : ''}`)
    if (waiting.length > 0 && this.#clock.monotonicMs() - this.#startedMs > patienceMs) this.#showTable()
  }

  #showTable(): void {
    if (this.#isUp) return
    this.#isUp = true
    this.#spinner?.stop()
    const seconds = ((this.#clock.monotonicMs() - this.#startedMs) / 1000).toFixed(1)
    const isEmpty = this.#workloads.size === 0
    const rows = [...this.#workloads.values()]
    const table = isEmpty ? 'No Deployment here has a `command` to run.\n' : workloadTable(rows, this.#colors)
    const waiting = rows.filter(({ isReady }) => !isReady)
    const title =
      waiting.length === 0 ? `The mesh is up (${seconds} s).` : `Not everything is ready after ${seconds} s.`
    this.#print(`\n${this.#colors.bold(title)}\n\n${table}`)
    for (const { pod, reason } of waiting) this.#print(`${this.#colors.yellow(pod)}: ${reason}\n`)
  }

  #showHints({ entrances, call }: Extract<MeshEvent, { event: 'hints' }>): void {
    const workload = [...this.#workloads.values()].find(
      ({ name }) => entrances.some(({ service }) => service.endsWith(`/${name}`)) || entrances.length === 0,
    )?.name
    const api = this.#control?.api ?? ''
    this.#print(hintWords({ entrances, call, workload, api, program: this.#program, colors: this.#colors }))
  }
}
