/** Another server is asked whether the request may go on (docs/decisions/0020-external-authorization.md). */
import type { ResponseHead } from '#/codec/message.ts'
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import { changeHeaders, changeRequest } from '#/proxy/policy/authorization/apply-verdict.ts'
import { AuthorizationCall } from '#/proxy/policy/authorization/authorization-call.ts'
import { type Asked, grpcQuestion, readGrpcAnswer } from '#/proxy/policy/authorization/grpc-dialect.ts'
import { httpQuestion, readHttpAnswer } from '#/proxy/policy/authorization/http-dialect.ts'
import type { Denied, Verdict } from '#/proxy/policy/authorization/verdict.ts'
import { isPreflight } from '#/proxy/policy/cors.ts'
import type { WarmAuthorization } from '#/proxy/table/authorization-target.ts'
import { errorCodes } from '#/std/errors.ts'

/** A browser sends no credentials with a preflight (Fetch, section 3.2.2), so that there is nothing to judge it by. */
export function askAuthorization(exchange: Exchange): StepOutcome {
  const { authorization } = exchange.entrance.listener
  if (!authorization || isPreflight(exchange.head)) return 'next'
  if (authorization.rules.body) collectBody(exchange, authorization, authorization.rules.body)
  else ask(exchange, authorization, nothing, undefined)
  return 'taken'
}

const nothing = new Uint8Array()

/** The question waits for the body, or for as much of it as is told. */
function collectBody(
  exchange: Exchange,
  authorization: WarmAuthorization,
  { bytesMax, mayBePartial }: NonNullable<ExternalAuthorization['body']>,
): void {
  const { head, body } = exchange
  const tooLarge = (): void =>
    exchange.fail('authorization_body_too_large', `more than the ${bytesMax} bytes that are told`)
  if (!body || head.upgrade !== '') {
    ask(exchange, authorization, nothing, undefined)
    return
  }
  if (head.bodyLength > bytesMax && !mayBePartial) {
    tooLarge()
    return
  }
  if (head.expectsContinue) {
    // Its client waits to be told to go on, and the application has not been asked yet.
    head.expectsContinue = false
    exchange.informational(100, [])
  }
  exchange.cancelWait = () => body.stopCollecting()
  body.collect(bytesMax, (bytes) => {
    exchange.cancelWait = undefined
    if (bytes.length <= bytesMax) ask(exchange, authorization, bytes, false)
    else if (mayBePartial) ask(exchange, authorization, bytes.subarray(0, bytesMax), true)
    else tooLarge()
  })
}

function ask(
  exchange: Exchange,
  { rules, cluster }: WarmAuthorization,
  body: Uint8Array,
  isPartial: boolean | undefined,
): void {
  if (!cluster) {
    takeVerdict(exchange, rules, {
      type: 'failed',
      detail: `the control plane has no cluster ${rules.service.cluster}`,
    })
    return
  }
  const { service, timeoutMs } = rules
  const asked: Asked = { exchange, body, isPartial, timeoutMs }
  const { wheel, peerText } = exchange.context
  const call = new AuthorizationCall({
    cluster,
    wheel,
    timeoutMs,
    peerText,
    question: service.type === 'grpc' ? grpcQuestion(service, asked) : httpQuestion(service, asked),
    read: (answer) => (service.type === 'grpc' ? readGrpcAnswer(answer) : readHttpAnswer(service, answer)),
    onVerdict: (verdict) => {
      exchange.cancelWait = undefined
      takeVerdict(exchange, rules, verdict)
    },
  })
  exchange.cancelWait = () => call.cancel()
  call.start()
}

function takeVerdict(exchange: Exchange, rules: ExternalAuthorization, verdict: Verdict): void {
  const { events } = exchange.context
  if (verdict.type === 'denied') {
    events.onAuthorization?.('denied')
    deny(exchange, verdict)
    return
  }
  const fault = verdict.type === 'failed' ? verdict.detail : changeRequest(exchange.head, verdict)
  if (fault === '' && verdict.type === 'allowed') {
    events.onAuthorization?.('allowed')
    if (verdict.answerHeaders.length > 0) exchange.answerHeaders = verdict.answerHeaders
  } else if (rules.onFailure === 'deny') {
    events.onAuthorization?.('failed')
    exchange.fail('authorization_unavailable', `${rules.service.cluster}: ${fault}`, rules.statusOnError)
    return
  } else events.onAuthorization?.('passed_unasked')
  exchange.proceed()
}

/** By the server's own words, but for gRPC, whose clients read statuses alone. */
function deny(exchange: Exchange, { status, headers, body }: Denied): void {
  const { record, grpc, entrance } = exchange
  const { cluster } = entrance.listener.authorization!.rules.service
  const detail = `${cluster} answered ${status}`
  record.deniedBy = `ExternalAuthorization/${cluster}`
  if (grpc) {
    exchange.fail('authorization_denied', detail)
    return
  }
  record.code = 'authorization_denied'
  record.detail = detail
  record.flags = errorCodes.authorization_denied.flag
  exchange.answer({ status, headers: [...headers], bodyLength: body.length, upgrade: '' }, body)
}

/** What the server gives the client beside the application's own. */
export function addAuthorizedHeaders(exchange: Exchange, head: ResponseHead): void {
  if (exchange.answerHeaders) changeHeaders(head.headers, exchange.answerHeaders)
}
