/**
 * `when` of an AccessPolicy: as much of CEL (cel.dev, language definition) as a sidecar can tell from conditions alone, with the names that
 * Envoy has for the parts of a request. It is read in the control plane; no sidecar holds an interpreter.
 *
 *   expr := and ("||" and)* ; and := unary ("&&" unary)* ; unary := "!" unary | "(" expr ")" | test
 *   test := attribute ("==" | "!=") literal | attribute "in" "[" literal, … "]" | attribute "." function "(" literal ")" | string "in" "request.headers"
 */

export type WhenTree =
  | { type: 'and' | 'or'; parts: WhenTree[] }
  | { type: 'not'; part: WhenTree }
  /** One of the values. `present`: the header is there; `true`: a flag. */
  | { type: 'test'; attribute: WhenAttribute; header: string; operator: WhenOperator; values: (string | number)[] }

export type WhenOperator = 'equals' | 'startsWith' | 'endsWith' | 'contains' | 'present' | 'true'

/** What can be asked of each. */
const operators = {
  'request.method': ['equals'],
  'request.url_path': ['equals', 'startsWith', 'endsWith', 'contains'],
  'request.host': ['equals'],
  'request.headers': ['equals', 'present'],
  'destination.port': ['equals'],
  'connection.uri_san_peer_certificate': ['equals', 'startsWith', 'endsWith'],
  'connection.mtls': ['true'],
} as const satisfies Record<string, readonly WhenOperator[]>

export type WhenAttribute = keyof typeof operators

/** Where an expression goes wrong. `at` counts characters from 0. */
export class WhenError extends Error {
  readonly at: number
  readonly cure: string

  constructor(at: number, message: string, cure: string) {
    super(message)
    this.name = 'WhenError'
    this.at = at
    this.cure = cure
  }
}

interface Token {
  kind: 'name' | 'text' | 'number' | 'sign' | 'end'
  text: string
  at: number
}

const tokenPattern =
  /\s*(?:([A-Za-z_][\w.]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d+)|(\|\||&&|==|!=|[!()[\],.])|$)/y

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  tokenPattern.lastIndex = 0
  for (;;) {
    const at = tokenPattern.lastIndex
    const match = tokenPattern.exec(text)
    if (!match) throw new WhenError(at, `"${text.slice(at).trim().slice(0, 10)}" can't be read`, 'write CEL')
    const [, name, quoted, number, sign] = match
    if (name !== undefined) tokens.push({ kind: 'name', text: name, at })
    else if (quoted !== undefined) tokens.push({ kind: 'text', text: unquoted(quoted, at), at })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, at })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at })
    else return [...tokens, { kind: 'end', text: 'the end', at }]
  }
}

function unquoted(quoted: string, at: number): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, (_, character: string) => {
    if (!`\\'"`.includes(character)) throw new WhenError(at, `\\${character} is not supported`, 'write it plainly')
    return character
  })
}

/** @throws WhenError */
export function parseWhen(text: string): WhenTree {
  const parser = new Parser(tokensOf(text))
  return parser.whole()
}

class Parser {
  readonly #tokens: readonly Token[]
  #position = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): WhenTree {
    const tree = this.#list('||', 'or', () => this.#list('&&', 'and', () => this.#unary()))
    if (this.#next.kind !== 'end') this.#fail('an operator or the end')
    return tree
  }

  #list(sign: string, type: 'and' | 'or', read: () => WhenTree): WhenTree {
    const parts = [read()]
    while (this.#take(sign)) parts.push(read())
    return parts.length === 1 ? parts[0]! : { type, parts }
  }

  #unary(): WhenTree {
    if (this.#take('!')) return { type: 'not', part: this.#unary() }
    if (!this.#take('(')) return this.#test()
    const inner = this.#list('||', 'or', () => this.#list('&&', 'and', () => this.#unary()))
    this.#expect(')')
    return inner
  }

  #test(): WhenTree {
    const start = this.#next
    if (start.kind === 'text') return this.#presence()
    if (start.kind !== 'name') this.#fail('an attribute')
    this.#position++
    const { attribute, called } = attributeOf(start)
    const header = attribute === 'request.headers' ? this.#key() : ''
    const test = (operator: WhenOperator, values: (string | number)[]): WhenTree => {
      const known: readonly WhenOperator[] = operators[attribute]
      if (!known.includes(operator))
        throw new WhenError(start.at, `${attribute} can't be asked by ${operator}`, `use ${known.join(', ')}`)
      return { type: 'test', attribute, header, operator, values }
    }
    const call = called || (this.#take('.') ? this.#name() : '')
    if (call !== '') {
      this.#expect('(')
      const value = this.#literal(attribute)
      this.#expect(')')
      return test(functionOf(call, start.at), [value])
    }
    if (this.#take('==')) return test('equals', [this.#literal(attribute)])
    if (this.#take('!=')) return { type: 'not', part: test('equals', [this.#literal(attribute)]) }
    if (this.#next.kind === 'name' && this.#next.text === 'in') {
      this.#position++
      return test('equals', this.#literals(attribute))
    }
    return test('true', [])
  }

  /** `'x-team' in request.headers` */
  #presence(): WhenTree {
    const header = this.#tokens[this.#position++]!.text.toLowerCase()
    if (this.#name() !== 'in' || this.#name() !== 'request.headers') this.#fail('`in request.headers`')
    return { type: 'test', attribute: 'request.headers', header, operator: 'present', values: [] }
  }

  #key(): string {
    this.#expect('[')
    const key = this.#next
    if (key.kind !== 'text') this.#fail("a header's name in quotes")
    this.#position++
    this.#expect(']')
    return key.text.toLowerCase()
  }

  #literals(attribute: WhenAttribute): (string | number)[] {
    this.#expect('[')
    const values = [this.#literal(attribute)]
    while (this.#take(',')) values.push(this.#literal(attribute))
    this.#expect(']')
    return values
  }

  #literal(attribute: WhenAttribute): string | number {
    const isNumber = attribute === 'destination.port'
    const { kind, text } = this.#next
    if (kind !== (isNumber ? 'number' : 'text')) this.#fail(isNumber ? 'a number' : 'text in quotes')
    this.#position++
    return isNumber ? Number(text) : text
  }

  get #next(): Token {
    return this.#tokens[this.#position]!
  }

  #name(): string {
    const { kind, text } = this.#next
    if (kind !== 'name') this.#fail('a name')
    this.#position++
    return text
  }

  #take(sign: string): boolean {
    const { kind, text } = this.#next
    if (kind !== 'sign' || text !== sign) return false
    this.#position++
    return true
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) this.#fail(sign)
  }

  #fail(wanted: string): never {
    const { at, text } = this.#next
    throw new WhenError(at, `${text} stands where ${wanted} should`, `write ${wanted}`)
  }
}

/** `request.url_path.startsWith` is one name to the tokens. */
function attributeOf({ text, at }: Token): { attribute: WhenAttribute; called: string } {
  const names = Object.keys(operators) as WhenAttribute[]
  const attribute = names.find((name) => text === name || text.startsWith(`${name}.`))
  if (attribute) return { attribute, called: text.slice(attribute.length + 1) }
  const cure =
    text === 'request.path' ? 'write request.url_path, which is without the query' : `use ${names.join(', ')}`
  throw new WhenError(at, `sidecars can't tell ${text}`, cure)
}

function functionOf(name: string, at: number): WhenOperator {
  if (name === 'startsWith' || name === 'endsWith' || name === 'contains') return name
  throw new WhenError(at, `sidecars can't tell ${name}()`, 'use startsWith, endsWith or contains')
}
