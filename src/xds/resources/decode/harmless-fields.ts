/**
 * Fields that a proxy may pass over by right: a request is answered the same with and without them. Each group says why.
 * What a decoder reads is not listed; anything that is neither read nor listed is refused by name.
 */

interface HarmlessGroup {
  reason: string
  /** Fields by the message that holds them; `*` for all fields of it. */
  fields: Readonly<Record<string, readonly string[]>>
}

const manager = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'

export const harmlessGroups: readonly HarmlessGroup[] = [
  {
    reason: 'what is counted, logged and traced is set in each proxy of ours, and is no part of an answer',
    fields: {
      'envoy.config.listener.v3.Listener': ['stat_prefix', 'access_log'],
      [manager]: [
        'stat_prefix',
        'access_log',
        'access_log_flush_interval',
        'flush_access_log_on_new_request',
        'access_log_options',
        'tracing',
        'generate_request_id',
        'preserve_external_request_id',
        'always_set_request_id_in_response',
        'request_id_extension',
      ],
      'envoy.extensions.filters.http.router.v3.Router': [
        'dynamic_stats',
        'start_child_span',
        'upstream_log',
        'upstream_log_options',
        'suppress_grpc_request_failure_code_stats',
      ],
      'envoy.config.route.v3.VirtualHost': ['virtual_clusters'],
      'envoy.config.route.v3.Route': ['decorator', 'tracing', 'stat_prefix'],
      'envoy.config.route.v3.RouteAction.RequestMirrorPolicy': ['trace_sampled'],
      'envoy.config.cluster.v3.Cluster': [
        'alt_stat_name',
        'track_timeout_budgets',
        'track_cluster_stats',
        'lrs_server',
        'lrs_report_endpoint_metrics',
      ],
      'envoy.config.cluster.v3.CircuitBreakers.Thresholds': ['track_remaining'],
    },
  },
  {
    reason: 'a name or note for people and for extensions, of which there are none here',
    fields: {
      'envoy.config.listener.v3.FilterChain': ['name', 'metadata'],
      'envoy.config.listener.v3.Filter': ['name'],
      'envoy.config.listener.v3.ListenerFilter': ['typed_config'],
      'envoy.config.route.v3.RouteConfiguration': ['metadata'],
      'envoy.config.route.v3.VirtualHost': ['metadata'],
      'envoy.config.core.v3.Metadata': ['typed_filter_metadata'],
      'envoy.config.core.v3.TypedExtensionConfig': ['name'],
      'envoy.config.endpoint.v3.LocalityLbEndpoints': ['metadata'],
    },
  },
  {
    reason: "sizes, sockets and timers of Envoy's own workings; a proxy of ours has settings for what it has of them",
    fields: {
      'envoy.config.listener.v3.Listener': [
        'per_connection_buffer_limit_bytes',
        'drain_type',
        'listener_filters_timeout',
        'continue_on_listener_filters_timeout',
        'connection_balance_config',
        'tcp_backlog_size',
        'tcp_fast_open_queue_length',
        'enable_reuse_port',
        'reuse_port',
        'socket_options',
        'ignore_global_conn_limit',
        'bypass_overload_manager',
        'max_connections_to_accept_per_socket_event',
      ],
      'envoy.config.listener.v3.FilterChain': ['transport_socket_connect_timeout'],
      [manager]: [
        'http_protocol_options',
        'http2_protocol_options',
        'http3_protocol_options',
        'stream_idle_timeout',
        'drain_timeout',
        'delayed_close_timeout',
        'request_headers_timeout',
        'request_timeout',
        'max_request_headers_kb',
        'stream_error_on_invalid_http_message',
      ],
      'envoy.config.core.v3.HttpProtocolOptions': [
        'idle_timeout',
        'max_connection_duration',
        'max_headers_count',
        'max_requests_per_connection',
      ],
      'envoy.config.route.v3.RouteConfiguration': ['max_direct_response_body_size_bytes'],
      'envoy.config.route.v3.VirtualHost': ['per_request_buffer_limit_bytes'],
      'envoy.config.route.v3.Route': ['per_request_buffer_limit_bytes'],
      'envoy.config.route.v3.RouteAction': ['idle_timeout'],
      'envoy.config.route.v3.RetryPolicy': ['host_selection_retry_max_attempts', 'retry_host_predicate'],
      'envoy.config.route.v3.RetryPolicy.RetryBackOff': ['max_interval'],
      'envoy.config.cluster.v3.Cluster': [
        'per_connection_buffer_limit_bytes',
        'dns_refresh_rate',
        'dns_failure_refresh_rate',
        'respect_dns_ttl',
        'dns_lookup_family',
        'http_protocol_options',
        'max_requests_per_connection',
        'upstream_connection_options',
        'cleanup_interval',
        'wait_for_warm_on_init',
        'preconnect_policy',
        'close_connections_on_host_health_failure',
      ],
      'envoy.config.cluster.v3.Cluster.CommonLbConfig': ['update_merge_window', 'close_connections_on_host_set_change'],
      'envoy.config.core.v3.Http1ProtocolOptions': ['*'],
      'envoy.config.core.v3.ConfigSource': ['resource_api_version', 'initial_fetch_timeout'],
      'envoy.config.core.v3.SelfConfigSource': ['transport_api_version'],
    },
  },
  {
    reason:
      'how a proxy tells of itself and of the client, which ours does in one way (`src/proxy/policy/forwarded.ts`)',
    fields: {
      [manager]: [
        'add_user_agent',
        'server_name',
        'server_header_transformation',
        'use_remote_address',
        'xff_num_trusted_hops',
        'skip_xff_append',
        'via',
        'internal_address_config',
        'represent_ipv4_remote_address_as_ipv4_mapped_ipv6',
        'proxy_100_continue',
        'proxy_status_config',
        'append_x_forwarded_port',
        'append_local_overload',
        // Without TLS there is no certificate of a client to tell of.
        'forward_client_cert_details',
        'set_current_client_cert_details',
      ],
      'envoy.extensions.filters.http.router.v3.Router': ['suppress_envoy_headers'],
      'envoy.config.route.v3.VirtualHost': [
        'include_request_attempt_count',
        'include_attempt_count_in_response',
        'include_is_timeout_retry_header',
      ],
      'envoy.config.route.v3.RouteAction': ['append_x_forwarded_host'],
      'envoy.config.route.v3.RouteAction.RequestMirrorPolicy': ['disable_shadow_host_suffix_append'],
    },
  },
  {
    reason: 'speaks of what can only be there together with a field that is refused',
    fields: {
      'envoy.config.route.v3.RouteAction': ['max_grpc_timeout', 'grpc_timeout_offset', 'early_data_policy', 'priority'],
      'envoy.config.route.v3.RouteAction.MaxStreamDuration': ['grpc_timeout_header_max', 'grpc_timeout_header_offset'],
      'envoy.config.route.v3.RetryPolicy': ['retry_priority'],
      'envoy.config.cluster.v3.Cluster': ['ignore_health_on_host_removal'],
      'envoy.config.cluster.v3.OutlierDetection': ['successful_active_health_check_uneject_host'],
      'envoy.config.cluster.v3.Cluster.CommonLbConfig': [
        'ignore_new_hosts_until_first_hc',
        'consistent_hashing_lb_config',
        'zone_aware_lb_config',
      ],
      'envoy.config.endpoint.v3.ClusterLoadAssignment': ['named_endpoints'],
      'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy': ['overprovisioning_factor', 'weighted_priority_health'],
      // Weights of localities count in Envoy only with `locality_weighted_lb_config`.
      'envoy.config.endpoint.v3.LocalityLbEndpoints': ['locality', 'proximity', 'load_balancing_weight'],
      'envoy.config.endpoint.v3.Endpoint': ['hostname', 'health_check_config'],
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': ['upstream_http_protocol_options'],
    },
  },
  {
    reason:
      'the default is what ours does: runtime keys and their overrides do not exist here, a mirror is chosen by chance',
    fields: {
      'envoy.config.core.v3.RuntimeFractionalPercent': ['runtime_key'],
      'envoy.config.route.v3.WeightedCluster': ['total_weight', 'runtime_key_prefix'],
      'envoy.config.route.v3.RouteConfiguration': ['validate_clusters', 'ignore_port_in_host_matching'],
      'envoy.config.route.v3.RouteAction': ['cluster_not_found_response_code'],
      'envoy.config.core.v3.HeaderValueOption': ['keep_empty_value'],
      'envoy.config.core.v3.SocketAddress': ['ipv4_compat'],
      'envoy.type.matcher.v3.RegexMatcher': ['google_re2'],
      'envoy.extensions.filters.http.cors.v3.CorsPolicy': ['shadow_enabled', 'forward_not_matching_preflights'],
    },
  },
  {
    reason: 'tunes how the same policy of balancing picks; the picks stay fair',
    fields: {
      'envoy.config.cluster.v3.Cluster.LeastRequestLbConfig': ['choice_count', 'active_request_bias'],
      'envoy.config.cluster.v3.Cluster.RingHashLbConfig': ['minimum_ring_size', 'maximum_ring_size', 'hash_function'],
      'envoy.config.cluster.v3.Cluster.MaglevLbConfig': ['table_size'],
      'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest': [
        'choice_count',
        'active_request_bias',
        'enable_full_scan',
        'selection_method',
      ],
    },
  },
]

/** All groups together: message → fields. */
export const harmlessFields: Readonly<Record<string, { has(field: string): boolean }>> = merged()

function merged(): Record<string, { has(field: string): boolean }> {
  const all: Record<string, Set<string>> = {}
  for (const { fields } of harmlessGroups) {
    for (const [message, names] of Object.entries(fields)) {
      all[message] ??= new Set()
      for (const name of names) all[message].add(name)
    }
  }
  return Object.fromEntries(
    Object.entries(all).map(([message, names]) => [message, names.has('*') ? { has: () => true } : names]),
  )
}
