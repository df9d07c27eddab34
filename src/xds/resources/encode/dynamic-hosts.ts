/** An Envoy has to look hosts up before its router may call those of a dynamic cluster; our proxy does so as it dials. */
import { create } from '@bufbuild/protobuf'
import { FilterConfigSchema } from '#/xds/proto/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts'
import { packAny } from './any.ts'
import { dnsCache } from './cluster.ts'
import type { HttpFilterEncoder } from './http-filter.ts'

export const dynamicHostsEncoder: HttpFilterEncoder = {
  name: 'envoy.filters.http.dynamic_forward_proxy',
  encode({ dynamicHosts }) {
    if (!dynamicHosts) return undefined
    const config = create(FilterConfigSchema, {
      implementationSpecifier: { case: 'dnsCacheConfig', value: dnsCache },
    })
    return packAny(FilterConfigSchema, config)
  },
  encodeRoute: () => undefined,
}
