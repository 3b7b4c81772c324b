/** What each metric of ours tells, by its name. Names and labels are relied upon by dashboards, alerts and scripts. */
export const METRIC_HELP = {
  sallyport_requests_total: 'Requests answered, by status code.',
  sallyport_request_seconds: 'Time from the request to the head of its answer.',
  sallyport_hop_seconds: 'Time of a request charged to each hop; the seven hops sum to the total.',
  sallyport_streams: 'Streams open now.',
  sallyport_links: 'Links open now, by kind.',
  sallyport_slots: 'Slots by state.',
  sallyport_queue_length: 'Requests waiting for a slot.',
  sallyport_queue_seconds: 'Time requests waited for a slot.',
  sallyport_buffered_bytes: 'Bytes held in memory, by where.',
  sallyport_limit_hits_total: 'Times a configured limit was reached.',
  sallyport_refused_total: 'Requests and links refused, by code.',
  sallyport_reconnects_total: 'Links made anew after one was lost.',
  sallyport_canary_seconds: 'Round trip of the canary through the relay to the dispatcher of the client.',
  sallyport_log_lines_lost_total: 'Log lines lost, by where: a full buffer, a destination that failed, the access log.',
  sallyport_event_loop_delay_seconds: 'Delay of the event loop: what a visitor waits before the first hop begins.',
  sallyport_event_loop_active_seconds_total: 'Seconds the event loop worked; the rate is its utilisation.',
  sallyport_scrape_errors_total: 'Values that could not be read at a scrape.',
  sallyport_build_info: 'Version of this part and of Node; always 1.',
} as const;

/** The hops in the order in which a request passes them, and of `observeHops`. */
export const HOPS = ['entry', 'uplink', 'queue', 'link', 'slot', 'client', 'backend'] as const;

/** The help text of a metric of ours, undefined for another. */
export const helpOf = (name: string): string | undefined => (METRIC_HELP as Record<string, string>)[name];
