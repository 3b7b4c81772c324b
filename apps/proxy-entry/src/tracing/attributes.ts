/** What spans say of a request, in the words of OpenTelemetry's conventions for HTTP (opentelemetry.io/docs/specs/semconv/http). */
import type { SpanAttributes } from '@sallyport/telemetry';
import { redactHost, redactTarget } from '@sallyport/telemetry';
import { splitAbsolute } from '../route.ts';

/** As the conventions list them; all others are one to them, since strangers choose those. */
const KNOWN_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);
const MAX_TEXT_CHARS = 1_024;

export function nameOf(method: string): string {
  return KNOWN_METHODS.has(method) ? method : 'HTTP';
}

export function methodAttributes(method: string): SpanAttributes {
  if (KNOWN_METHODS.has(method)) return { 'http.request.method': method };
  return { 'http.request.method': '_OTHER', 'http.request.method_original': textOf(method) };
}

/** In origin form, where it is a target; secrets are hidden as they are in logs. */
export function targetAttributes(target: string): SpanAttributes {
  const shown = redactTarget(splitAbsolute(target)?.target ?? target);
  const at = shown.indexOf('?');
  if (at === -1) return { 'url.path': textOf(shown) };
  return { 'url.path': textOf(shown.slice(0, at)), 'url.query': textOf(shown.slice(at + 1)) };
}

/** `host` with its port, if it has one. */
export function hostAttributes(host: string): SpanAttributes {
  const shown = redactHost(host);
  const [, name = shown, port] = /^(.*):(\d{1,5})$/.exec(shown) ?? [];
  return { 'server.address': textOf(name), ...(port === undefined ? {} : { 'server.port': Number(port) }) };
}

/** Cut, and a copy: a piece of a head would keep all of the head in memory while the span waits. */
export function textOf(text: string): string {
  return Buffer.from(text.slice(0, MAX_TEXT_CHARS), 'latin1').toString('latin1');
}
