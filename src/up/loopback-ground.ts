/** Rootless: everything on 127.0.0.1, told apart by ports that the port book gives. */
import type { Service } from '#/api/core.ts'
import type { Resources } from '#/control/source/resources.ts'
import type { HostPort } from '#/std/host-port.ts'
import { destinationOf, type Ground, type ReachableService, type Site, servicesOf } from './ground.ts'
import type { PortAddresses } from './pod-document.ts'
import type { PortBook } from './port-book.ts'
import type { WorkloadPlan } from './workload-plan.ts'

const loopback = '127.0.0.1'
const at = (port: number): HostPort => ({ host: loopback, port })

/** Keys of the port book are paths: `pod/shop/cart-x2x4b-0/inbound/cart/8080`. */
export const podKey = (plan: { namespace: string }, pod: string): string => `pod/${plan.namespace}/${pod}/`

export class LoopbackGround implements Ground {
  readonly controlHost = loopback
  readonly #book: PortBook
  #resources: Resources

  constructor(book: PortBook, resources: Resources) {
    this.#book = book
    this.#resources = resources
  }

  setResources(resources: Resources): void {
    this.#resources = resources
  }

  async prepare(plan: WorkloadPlan, pod: string): Promise<Site> {
    const prefix = podKey(plan, pod)
    const slots = plan.containers.flatMap(({ name, ports }) => ports.map((port) => ({ ...port, container: name })))
    const keyOf = (kind: string, slot: { container: string; port: number }): string =>
      `${prefix}${kind}/${slot.container}/${slot.port}`
    const keys = slots.flatMap((slot) => [keyOf('application', slot), keyOf('inbound', slot)])
    // A TCP and a UDP port of one number share the local one.
    const taken = await this.#book.take([...new Set(keys), `${prefix}outbound`, `${prefix}admin`])
    const ports: PortAddresses[] = slots.map((slot) => ({
      ...slot,
      application: at(taken.get(keyOf('application', slot))!),
      inbound: at(taken.get(keyOf('inbound', slot))!),
    }))
    const { explicit, services } = await this.#explicit(plan, pod)
    return {
      addresses: {
        podAddress: loopback,
        ports,
        outbound: at(taken.get(`${prefix}outbound`)!),
        admin: at(taken.get(`${prefix}admin`)!),
        explicit,
        isRedirected: false,
        hasIdentity: true,
      },
      listenOf: (container) =>
        new Map(ports.filter((one) => one.container === container).map(({ port, application }) => [port, application])),
      services,
      enterAsApplication: (argv) => [...argv],
      enterAsSidecar: (argv) => [...argv],
    }
  }

  async explicitFor(plan: WorkloadPlan, pod: string): Promise<ReadonlyMap<string, HostPort>> {
    return (await this.#explicit(plan, pod)).explicit
  }

  async release(plan: WorkloadPlan, pod: string): Promise<void> {
    this.#book.release((key) => key.startsWith(podKey(plan, pod)))
  }

  async close(): Promise<void> {
    // Ports are kept for the next time; nothing else was taken.
  }

  async #explicit(
    plan: WorkloadPlan,
    pod: string,
  ): Promise<{ explicit: Map<string, HostPort>; services: ReachableService[] }> {
    const found = servicesOf(this.#resources, plan.namespace)
    // One number for a TCP and a UDP port of the same number.
    const keyOf = (service: Service, port: number): string =>
      `${podKey(plan, pod)}explicit/${destinationOf(service, { port, transport: 'tcp' })}`
    const keys = found.flatMap(({ service, ports }) => ports.map(({ port }) => keyOf(service, port)))
    const taken = await this.#book.take([...new Set(keys)])
    const addressOf = (service: Service, port: number): HostPort => at(taken.get(keyOf(service, port))!)
    const explicit = found.flatMap(({ service, ports }) =>
      ports.map((port): [string, HostPort] => [destinationOf(service, port), addressOf(service, port.port)]),
    )
    return {
      explicit: new Map(explicit),
      services: found.map(({ service, ports }) => ({
        service,
        addresses: new Map(ports.map(({ port }) => [port, addressOf(service, port)])),
      })),
    }
  }
}
