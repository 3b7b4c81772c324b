/**
 * Messages that are echoed, over 10 connections (CONNECTIONS) that stay open for a step; latency counts from the moment
 * of the schedule to the echo.
 *
 *   k6 run -e TARGET=http://127.0.0.1:12000/session/demo/loadtest/ws load-tests/k6/websocket.ts
 */
import { makeEcho } from './lib/echo.ts';
import { scriptOf } from './lib/session.ts';

const script = scriptOf(
  {
    command: 'ramp',
    name: 'websocket',
    steps: '20x10,100x10,500x10',
    failIf: 'p99>50ms,failed>0,dropped>0',
    protocol: 'websocket',
  },
  makeEcho,
);

export const { options, handleSummary } = script;
export default script.run;
