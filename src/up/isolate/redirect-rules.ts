/** What makes a namespace's traffic pass its sidecar, as in a pod: an nftables table of its own. */

export const proxyUid = 1337
/** Admin, metrics, health: asked from outside, of the sidecar itself. */
const healthPorts = [15000, 15020, 15021]

/**
 * Calls go to 15001 unless the sidecar itself makes them or they stay on loopback; what comes in goes to 15006 unless it asks
 * for the sidecar's health, or is a readiness probe, which asks the application itself: the sidecar would accept any
 * connection. `add table` before `delete table` makes the script repeatable.
 */
export function redirectRules(probeAddress: string): string {
  return `
add table ip weft
delete table ip weft
table ip weft {
  chain output {
    type nat hook output priority -100; policy accept;
    meta skuid ${proxyUid} return
    oifname "lo" return
    meta l4proto tcp redirect to :15001
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iifname "lo" return
    ip saddr ${probeAddress} return
    tcp dport { ${healthPorts.join(', ')} } return
    meta l4proto tcp redirect to :15006
  }
}
`
}
