/** HeaderMutation → the header fields of routes and weighted clusters. */
import { create } from '@bufbuild/protobuf'
import type { HeaderMutation } from '#/model/route.ts'
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
} from '#/xds/proto/envoy/config/core/v3/base_pb.ts'

/** Envoy expands `%NAME%` in header values; ours are plain. */
function headerOption(
  name: string,
  value: string,
  appendAction: HeaderValueOption_HeaderAppendAction,
): HeaderValueOption {
  return create(HeaderValueOptionSchema, { header: { key: name, value: value.replaceAll('%', '%%') }, appendAction })
}

function headersToAdd({ set, add }: HeaderMutation): HeaderValueOption[] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction
  return [
    ...set.map(({ name, value }) => headerOption(name, value, OVERWRITE_IF_EXISTS_OR_ADD)),
    ...add.map(({ name, value }) => headerOption(name, value, APPEND_IF_EXISTS_OR_ADD)),
  ]
}

/** The four header fields that routes and weighted clusters share. */
export function mutationFields(request: HeaderMutation | undefined, response: HeaderMutation | undefined) {
  return {
    requestHeadersToAdd: request ? headersToAdd(request) : [],
    requestHeadersToRemove: request ? [...request.remove] : [],
    responseHeadersToAdd: response ? headersToAdd(response) : [],
    responseHeadersToRemove: response ? [...response.remove] : [],
  }
}
