/** Settings of the service level objectives: what the entry counts against, and what alerts compare with. */
import { Type } from 'typebox';
import { decimal, live, milliseconds } from '../parts.ts';
import { closed } from './shared.ts';

/** Above it the error budget of 30 days is under half a minute. */
const MOST = { minimum: 50, maximum: 99.999 };

export const slo = Type.Object(
  {
    availabilityPercent: live(decimal('Share of answers that are no failure, over 30 days', 99.9, MOST)),
    latencyMs: live(milliseconds('Time to the head of an answer that counts as fast', 50, { maximum: 60_000 })),
    latencyPercent: live(decimal('Share of good answers that are fast, over 30 days', 99, MOST)),
  },
  { ...closed, description: 'Service level objectives, counted by the entry' },
);
