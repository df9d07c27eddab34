/** What a caller does against a destination that is ill (Envoy: CircuitBreakers.Thresholds, OutlierDetection). */

/** Of a caller's one proxy, to all endpoints of a cluster together. Absent: no limit but those of the proxy's settings. */
export interface BreakerLimits {
  /** Connections; an endpoint without any gets one all the same, as in Envoy. 1 or more. */
  connectionsMax?: number
  /** Requests that wait for a connection. 0 or more. */
  pendingMax?: number
  /** Requests under way. 1 or more. */
  requestsMax?: number
  /** Attempts under way that are not a request's first. 0 or more. */
  retriesMax?: number
  /** In place of `retriesMax`: so many percent of the requests under way, and `attemptsMin` in any case. */
  retryBudget?: { percent: number; attemptsMin: number }
}

/** An endpoint that fails gets nothing for a while. */
export interface OutlierDetection {
  /** How often rates are looked at and ejected endpoints may be asked again, ms, above 0. */
  intervalMs: number
  /** The first ejection, ms, above 0; each further one is longer by as much. */
  ejectionMs: number
  /** No ejection is longer, ms. */
  ejectionMsMax: number
  /** Of all endpoints, at most so many are ejected at a time, percent. */
  ejectedPercentMax: number
  /** One may be ejected whatever the percentage says of it. */
  ejectsOneAlways: boolean
  /** Answers of 500 and above in a row, faults of connections among them unless these are counted apart; 0 for off. */
  consecutiveFailures: number
  /** 502, 503 and 504 in a row, and faults of connections unless counted apart; 0 for off. */
  consecutiveGatewayFailures: number
  /** Connections that failed, were cut or took too long, in a row; 0: they count among the failures above. */
  consecutiveLocalFailures: number
  /** Success rates more than `deviations` standard deviations under the mean of all are ejected. */
  successRate?: { deviations: number; endpointsMin: number; requestsMin: number }
  /** Endpoints of which so many percent of requests fail are ejected. */
  failureShare?: { percent: number; endpointsMin: number; requestsMin: number }
}
