/** A server's end of client links, over real WebSockets, with a test behind it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Link, readHead, Role, systemClock, WS_OPTIONS, WsTransport } from '@sallyport/protocol';
import type { CloseCode, Hello, Leg } from '@sallyport/protocol';
import { WebSocketServer } from 'ws';
import {
  HELLO_TIMEOUT_MS,
  helloOf,
  LIFE,
  openHead,
  Recorder,
  RecordingHandler,
} from '../../../../packages/protocol/src/testing/bench.ts';

/** One client link as the server sees it. */
export class ServedLink {
  readonly link: Link;
  readonly handler = new RecordingHandler();
  readonly socket: Socket;

  constructor(transport: WsTransport, socket: Socket, refusal: CloseCode | null) {
    this.socket = socket;
    this.handler.refusal = refusal;
    this.link = new Link({
      transport,
      clock: systemClock,
      life: LIFE,
      helloTimeoutMs: HELLO_TIMEOUT_MS,
      hello: helloOf(Role.SERVER),
      peerRole: Role.CLIENT,
      handler: this.handler,
    });
  }

  get hello(): Hello {
    const hello = this.handler.hellos[0];
    assert.ok(hello !== undefined);
    return hello;
  }

  /** Opens a stream; what comes of it is told to the answer. */
  ask(strings: string[] = ['GET', '/'], last = true): AskedOver {
    const asked = new AskedOver();
    asked.leg = this.link.openLeg('s', asked);
    asked.leg.open(openHead({ strings }), last);
    return asked;
  }

  /** The session is the client's own: what a server says first. */
  accept(): void {
    this.link.sendSlots({ leases: 0, returned: 0, waiting: 0 });
  }
}

export class AskedOver extends Recorder {
  leg: Leg | null = null;
  status = 0;

  override onHead(leg: Leg, frame: Buffer, start: number, end: number, last: boolean): void {
    super.onHead(leg, frame, start, end, last);
    const head = readHead(frame, start, end);
    assert.ok(head !== null && head !== 'bad-head');
    this.status = head.status;
  }
}

export interface LinkServer {
  readonly url: string;
  readonly links: ServedLink[];
}

/** `refusal`: what every HELLO is answered with. */
export async function listenLinks(t: TestContext, refusal: CloseCode | null = null): Promise<LinkServer> {
  const http = createServer();
  const webSockets = new WebSocketServer({ ...WS_OPTIONS, noServer: true });
  const links: ServedLink[] = [];
  http.on('upgrade', (request, socket, head) =>
    webSockets.handleUpgrade(request, socket, head, (ws) =>
      links.push(new ServedLink(new WsTransport(ws, socket as Socket), socket as Socket, refusal)),
    ),
  );
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    for (const { link } of links) link.dead();
    for (const ws of webSockets.clients) ws.terminate();
    http.close();
  });
  return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`, links };
}

/** Lets the event loop turn until it is so; the ceiling is the test's. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
