/** The road of a request that comes to the application: to it and nowhere else. */
import type { Road } from './exchange/road.ts'
import { makePathPlain, requireAccess } from './step/access.ts'
import { answerPreflight, markCors } from './step/cors.ts'
import { findRoutes } from './step/destination.ts'
import { addAuthorizedHeaders, askAuthorization } from './step/external-authorization.ts'
import { readGrpc, translateGrpcWeb } from './step/grpc.ts'
import { changeAnswerHeaders, dropObsoleteUpgrade, hideDetail, nameRequest, tellOrigin } from './step/header.ts'
import { checkToken } from './step/jwt.ts'
import { readPeer, requireMutualTls, tellCaller } from './step/mesh.ts'
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

export const inbound: Road = {
  direction: 'inbound',
  request: [
    readGrpc, // first: it is how failures are told
    nameRequest, // kept when the caller's sidecar has given it
    refuseWhenShort, // before anything is kept for it
    refuseMisdirected, // only under TLS
    dropObsoleteUpgrade, // before anybody looks at the head
    makePathPlain, // where rules look at it: what they compare is what the application gets
    readPeer, // who calls, for metrics; taken out of the head
    requireMutualTls, // where the port is strict
    checkToken, // what it says of who sent the request is what access goes by
    requireAccess, // by who calls and what is asked for
    askAuthorization, // another server, about what our own rules let pass
    tellCaller, // the application hears it from us alone
    findRoutes, // of this workload's port
    matchRoute, // one route unless the control plane has more to say
    answerPreflight, // as outbound: routes are the same noun
    answerByRule,
    limitTime,
    pickBackend, // the application itself
    tellOrigin, // when the caller has no sidecar
    rewriteRequest,
    translateGrpcWeb, // when the backend speaks gRPC alone
    chooseMirrors,
    forward,
  ],
  answer: [
    hideDetail, // the application can't speak for the mesh
    changeAnswerHeaders,
    addAuthorizedHeaders,
    markCors,
  ],
}
