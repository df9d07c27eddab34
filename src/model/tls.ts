/** TLS contexts (Envoy: DownstreamTlsContext, UpstreamTlsContext). */

/** PEM text, or the file that holds it; files are read again when they change (Envoy: DataSource). */
export type PemSource = { type: 'inline'; pem: string } | { type: 'file'; path: string }

export interface TlsCertificate {
  /** Leaf first. */
  chain: PemSource
  privateKey: PemSource
}

/** TLS that is ended here. */
export interface ServerTls {
  /** The first whose names fit the SNI, else the first. Never empty. */
  certificates: readonly TlsCertificate[]
  /** In the order of preference: `h2`, `http/1.1`; empty for no ALPN. */
  alpn: readonly string[]
  /** `required` needs `trustedCa`. */
  clientCertificate: 'none' | 'optional' | 'required'
  trustedCa?: PemSource
  /** The client's certificate must have one of these subject alternative names (URI or DNS); absent for any. */
  subjectNames?: readonly string[]
}

/** TLS to an endpoint. */
export interface ClientTls {
  /** SNI; empty for none. */
  serverName: string
  alpn: readonly string[]
  certificate?: TlsCertificate
  /** Absent: the server's certificate is not verified. */
  trustedCa?: PemSource
  /** The server's certificate must have one of these subject alternative names (URI or DNS); absent for any. */
  subjectNames?: readonly string[]
}
