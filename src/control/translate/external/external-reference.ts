/** What is wrong with a reference to an ExternalService, as words for its owner. */
import { mayCall } from '#/model/external-reach.ts'
import type { Finding } from '../fault.ts'
import type { ExternalEntry } from './external-entry.ts'

type Words = Omit<Finding, 'code'>

interface Key {
  namespace: string
  name: string
}

/** @param field of the reference; absent: words are about the field `name` of whatever refers to it. */
export function missingExternal({ namespace, name }: Key, field?: string): Words {
  return {
    field: field === undefined ? 'name' : `${field}.name`,
    message: `There is no ExternalService ${name} in namespace ${namespace}.`,
    cure: 'Create it, or correct name and namespace.',
  }
}

/** @returns undefined when workloads of the namespace may call it. */
export function notCallable(
  { ref, service }: ExternalEntry,
  { namespace, field }: { namespace: string; field?: string },
): Words | undefined {
  if (mayCall(service.external!, namespace)) return undefined
  return {
    field: field === undefined ? 'namespace' : `${field}.namespace`,
    message: `ExternalService ${ref.namespace}/${ref.name} may not be called from namespace ${namespace}.`,
    cure: `Write an ExternalService in namespace ${namespace}, or add the namespace to its allowedCallers.`,
  }
}

export function ofAnyHost({ namespace, name }: Key): Words {
  return {
    field: 'name',
    message: `ExternalService ${namespace}/${name} goes to the host of each call, which here is another one.`,
    cure: 'Name one exact host or endpoints in it, or attach the route to it.',
  }
}
