import { embeddedEngine } from '../engine/embedded.ts';
import { k6Engine } from '../engine/k6.ts';
import type { Engine } from '../engine/plan.ts';

/** The engine that was asked for; before anything is written. @throws LoadError `SP_LOAD_NO_K6` */
export function engineOf({ engine }: { engine: Engine['name'] }): Engine {
  return engine === 'k6' ? k6Engine() : embeddedEngine;
}
