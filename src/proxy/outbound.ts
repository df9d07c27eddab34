/** The road of a call that the application makes: each line a concern, in the order in which they must come. */
import type { Road } from './exchange/road.ts'
import { answerPreflight, markCors } from './step/cors.ts'
import { findRoutes } from './step/destination.ts'
import { readGrpc, translateGrpcWeb } from './step/grpc.ts'
import {
  changeAnswerHeaders,
  distrustDetail,
  dropObsoleteUpgrade,
  nameRequest,
  removeForgedPeer,
  tellOrigin,
} from './step/header.ts'
import { checkToken } from './step/jwt.ts'
import { refuseWhenShort } from './step/overload.ts'
import {
  answerByRule,
  chooseMirrors,
  forward,
  limitTime,
  matchRoute,
  pickBackend,
  rewriteRequest,
} from './step/route.ts'
import { refuseMisdirected } from './step/tls.ts'

export const outbound: Road = {
  direction: 'outbound',
  request: [
    readGrpc, // first: it is how failures are told
    nameRequest, // before all else, so that every log line has the id
    refuseWhenShort, // before anything is kept for it
    refuseMisdirected, // only under TLS
    dropObsoleteUpgrade, // before anybody looks at the head
    removeForgedPeer, // the application's word on who it is counts for nothing
    checkToken, // where a listener of another control plane asks for it
    findRoutes, // may wait for the control plane; all that follows is at hand
    matchRoute, // by the request as the application wrote it
    answerPreflight, // before redirects: a browser does not follow one for a preflight
    answerByRule, // redirects and fixed answers need no backend
    limitTime, // the clock of the rule covers every attempt
    pickBackend, // once: attempts change the endpoint, not the backend
    tellOrigin, // before the rewrite changes the host that the client called
    rewriteRequest, // what the backend gets to see
    translateGrpcWeb, // when the backend speaks gRPC alone
    chooseMirrors, // copies of the request as it is sent
    forward, // attempts, until an answer is good enough
  ],
  answer: [
    distrustDetail, // only sidecars speak of the mesh's inside
    changeAnswerHeaders, // the rule's wish
    markCors, // last: a rule must not grant an origin by accident
  ],
}
