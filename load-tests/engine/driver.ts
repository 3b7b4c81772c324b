import type { Connector } from './connector.ts';
import type { Exchange, ExchangeOwner } from './exchange.ts';
import { Http1Driver } from './http1-driver.ts';
import { Http2Driver } from './http2-driver.ts';
import type { ArmPlan } from './plan.ts';
import { WebSocketDriver } from './websocket-driver.ts';

/** How an arm's requests travel: one of these per protocol. */
export type Driver = {
  /** An exchange of this driver's kind, to be used again and again. */
  exchange(owner: ExchangeOwner): Exchange;
  /** Sends the arm's request of that index and tells the exchange, which has begun, how it goes. */
  send(exchange: Exchange, request: number): void;
  /** Cuts everything; what is in flight fails. */
  close(): Promise<void>;
};

export type DriverOptions = {
  plan: ArmPlan;
  connector: Connector;
  /** Connections at most, beyond which requests wait inside; null for one to each request in flight. */
  maxConnections: number | null;
};

export function makeDriver(options: DriverOptions): Driver {
  if (options.plan.protocol === 'http2') return new Http2Driver(options);
  if (options.plan.protocol === 'websocket') return new WebSocketDriver(options);
  return new Http1Driver(options);
}
