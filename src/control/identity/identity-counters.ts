/** What the authority has done and refused, with the names that dashboards for Istio's citadel read, and ours by reason. */

export class IdentityCounters {
  issued = 0
  requests = 0
  readonly #refusals = new Map<string, number>()

  /** @param reason one of a fixed set of codes. */
  refuse(reason: string): void {
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1)
  }

  refused(reason: string): number {
    return this.#refusals.get(reason) ?? 0
  }

  /** @param rootExpiresMs of the root that signs, milliseconds since 1970. @returns Prometheus text. */
  metrics(rootExpiresMs: number): string {
    const head = (name: string, type: string, help: string): string =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    const reasons = [...this.#refusals].map(
      ([reason, count]) => `weft_identity_refused_total{reason="${reason}"} ${count}\n`,
    )
    return [
      `${head('citadel_server_csr_count', 'counter', 'Requests for certificates.')}citadel_server_csr_count ${this.requests}\n`,
      head('citadel_server_success_cert_issuance_count', 'counter', 'Certificates issued.'),
      `citadel_server_success_cert_issuance_count ${this.issued}\n`,
      head('citadel_server_root_cert_expiry_timestamp', 'gauge', 'When the signing root expires, seconds since 1970.'),
      `citadel_server_root_cert_expiry_timestamp ${Math.floor(rootExpiresMs / 1000)}\n`,
      head('weft_identity_refused_total', 'counter', 'Requests for certificates and connections refused, by reason.'),
      ...reasons,
    ].join('')
  }
}
