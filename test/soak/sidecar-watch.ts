/** What a sidecar holds, as Linux tells it: sockets with their states, other files, resident memory. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Holdings {
  /** Sockets but listening ones, by state: `ESTABLISHED`, `UDP`, `UNIX or unbound` … */
  sockets: Record<string, number>
  socketCount: number
  /** All open files, sockets among them. */
  fileCount: number
}

/** Of include/net/tcp_states.h. */
const tcpStates: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '02': 'SYN_SENT',
  '03': 'SYN_RECV',
  '04': 'FIN_WAIT1',
  '05': 'FIN_WAIT2',
  '08': 'CLOSE_WAIT',
  '09': 'LAST_ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
}

export function holdingsOf(pid: number): Holdings {
  const states = statesByInode(pid)
  const sockets: Record<string, number> = {}
  const links = linksOf(pid)
  for (const link of links) {
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
    if (inode === undefined) continue
    const state = states.get(inode) ?? 'UNIX or unbound'
    sockets[state] = (sockets[state] ?? 0) + 1
  }
  const socketCount = Object.values(sockets).reduce((sum, one) => sum + one, 0)
  return { sockets, socketCount, fileCount: links.length }
}

/** MiB. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

function linksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch (error) {
      // Closed between the list and the look.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
}

/** proc_pid_net(5): the fourth column is the state, the tenth the inode. */
function statesByInode(pid: number): Map<string, string> {
  const states = new Map<string, string>()
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1)) {
      const words = line.trim().split(/\s+/)
      const state = table.startsWith('udp') ? 'UDP' : (tcpStates[words[3]!] ?? `state ${words[3]}`)
      if (words[9]) states.set(words[9], state)
    }
  }
  return states
}
