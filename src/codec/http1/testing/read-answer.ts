/** An answer as some reader understood it, in terms that two readers share. */

export interface ReadAnswer {
  /** Of each interim answer. */
  interim: { status: number; headers: string[] }[]
  /** 0 while no head has been taken. */
  status: number
  /** Without what framing or a hop may take out. */
  headers: string[]
  body: string
  trailers: string[]
  /** Whether it came to its end. */
  isWhole: boolean
  /** Whether the connection is taken for fit to carry another request. */
  isReusable: boolean
  /** Why reading stopped; empty when it did not. */
  refusal: string
}

export function emptyAnswer(): ReadAnswer {
  return {
    interim: [],
    status: 0,
    headers: [],
    body: '',
    trailers: [],
    isWhole: false,
    isReusable: false,
    refusal: '',
  }
}
