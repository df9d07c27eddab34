/** TLS contexts (Envoy: DownstreamTlsContext, UpstreamTlsContext). */

/**
 * PEM text, or the file that holds it, which is read again when it changes (Envoy: DataSource); or a secret that the proxy has by
 * that name (Envoy: SdsSecretConfig): `default` is its own identity, `ROOTCA` the roots of the mesh, as Istio's agents call them.
 */
export type PemSource =
  | { type: 'inline'; pem: string }
  | { type: 'file'; path: string }
  | { type: 'secret'; name: string }

/** Where the roots of the web stand on Debian, its relatives and in Envoy's image; where the file is missing, our proxy takes Node's own. */
export const systemRootsPath = '/etc/ssl/certs/ca-certificates.crt'

/** The proxy's own certificate and key. */
export const identitySecretName = 'default'

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
  /** Of other sidecars: TLS 1.3 alone, and the certificate is an X509-SVID of the trust domain. */
  isMesh?: boolean
}

/** TLS to an endpoint. */
export interface ClientTls {
  /** SNI; empty for none, or for the host of the call where each goes to its own (`dynamic`). */
  serverName: string
  alpn: readonly string[]
  certificate?: TlsCertificate
  /** Absent: the server's certificate is not verified. */
  trustedCa?: PemSource
  /** The server's certificate must have one of these subject alternative names (URI or DNS); absent for any. */
  subjectNames?: readonly string[]
  /** To other sidecars: TLS 1.3 alone, and the certificate has exactly one name. */
  isMesh?: boolean
}
