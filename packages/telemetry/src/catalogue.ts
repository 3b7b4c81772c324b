/** What each metric of ours tells, by its name. Names and labels are relied upon by dashboards, alerts and scripts. */
export const METRIC_HELP = {
  sallyport_requests_total: 'Requests answered, by status code.',
  sallyport_request_seconds: 'Time from the request to the head of its answer.',
  sallyport_hop_seconds: 'Time of a request charged to each hop; the seven hops sum to the total.',
  sallyport_backend_seconds: 'Time of the backend to the head of its answer, as its client saw it.',
  sallyport_streams: 'Streams open now.',
  sallyport_links: 'Links open now, by kind.',
  sallyport_passing_links: 'Links of others that pass through this entry now.',
  sallyport_slots: 'Slots by state.',
  sallyport_queue_length: 'Requests waiting for a slot.',
  sallyport_queue_seconds: 'Time requests waited for a slot.',
  sallyport_buffered_bytes: 'Bytes held in memory, by where.',
  sallyport_limit_hits_total: 'Times a configured limit was reached.',
  sallyport_limit: 'A limit as configured, of what is fullest now where it bounds several things of one kind.',
  sallyport_limit_used: 'How much of that limit is used now.',
  sallyport_refused_total: 'Requests and links refused, by code.',
  sallyport_reconnects_total: 'Links made anew after one was lost.',
  sallyport_links_by_state: 'Links by kind and state: opening, ready, late (out of the rotation), leaving.',
  sallyport_links_accepted_total: 'Links taken from entries and clients, once they have said HELLO, by kind.',
  sallyport_canary_late_total: 'Times a link left the rotation since its canary was late.',
  sallyport_sessions: 'Sessions by state: with a link, or without.',
  sallyport_backend_failures_total: 'Requests that a backend failed, by code, as its client saw it.',
  sallyport_backends: 'Backends by state: down after three failures to connect in a row.',
  sallyport_canary_seconds: 'Round trip of the canary over one link, to the dispatcher of the other end.',
  sallyport_log_lines_lost_total: 'Log lines lost, by where: a full buffer, a destination that failed, the end.',
  sallyport_event_loop_delay_seconds: 'Delay of the event loop: what a visitor waits before the first hop begins.',
  sallyport_event_loop_active_seconds_total: 'Seconds the event loop worked; the rate is its utilisation.',
  sallyport_scrape_errors_total: 'Values that could not be read at a scrape.',
  sallyport_certificate_expiry_timestamp_seconds: 'When each certificate expires, in seconds since 1970.',
  sallyport_certificate_lifetime_seconds:
    'How long each certificate is good in all: from its first moment to its last.',
  sallyport_tls_last_reload_successful:
    'Whether all certificates, authorities and keys of TLS could be used as last read (1; 0: one is broken).',
  sallyport_slo_events_total: 'Answers that count for a service level objective.',
  sallyport_slo_good_total: 'Of these, answers that meet it.',
  sallyport_slo_objective_ratio: 'Share that must meet it, as configured.',
  sallyport_slo_latency_seconds: 'Time to the head of an answer that counts as fast, as configured.',
  sallyport_config_reloads_total: 'Times the configuration was loaded again, by outcome.',
  sallyport_config_last_reload_successful:
    'Whether the last reload was taken over (1; 0: refused, the one before stays).',
  sallyport_config_last_reload_timestamp_seconds: 'When the configuration in force was loaded, in seconds since 1970.',
  sallyport_trace_spans_exported_total: 'Spans that the collector took.',
  sallyport_trace_spans_dropped_total:
    'Spans dropped, by reason: the queue was full, the collector refused the export or rejected the span, the entry ended.',
  sallyport_trace_export_failures_total:
    'Exports of spans that failed, by reason; those that may be repeated are, and drop nothing by themselves.',
  sallyport_build_info: 'Version of this part and of Node; always 1.',
} as const;

/** Names of the limits that each part may reach: shown as 0 until then, since an alert needs to see the rise. */
export const LIMITS = {
  entry: [
    'answer-stall',
    'body',
    'body-rate',
    'connections',
    'handshake',
    'head-timeout',
    'http2-continuations',
    'http2-control',
    'http2-overhead',
    'http2-resets',
    'http2-streams',
    'link-asks',
    'links',
    'proxy-header',
    'request-head',
    'request-target',
    'trace-queue',
    'upload-stall',
    'websocket-close',
  ],
  server: ['link-dials', 'link-egress', 'links', 'queue', 'queue-timeout', 'queue-wait', 'sessions'],
  client: ['long-streams', 'slots'],
} as const;

/** The same of every part. */
export const COMMON_LIMITS = ['admin_connections', 'admin_stall', 'metric_series'] as const;

/** The hops in the order in which a request passes them, and of `observeHops`. */
export const HOPS = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'] as const;

/** The help text of a metric of ours, undefined for another. */
export const helpOf = (name: string): string | undefined => (METRIC_HELP as Record<string, string>)[name];
