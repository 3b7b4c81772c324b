/**
 * Whether a link is alive. One timer a link, ticking at the canary's period. Silence is counted in ticks, not by the
 * clock: a process that was itself stopped must read what arrived meanwhile before it calls its peer dead.
 */
import type { Clock, Timer } from './clock.ts';

export interface LifeLimits {
  /** PING after this much silence; dead after twice as much. */
  readonly heartbeatMs: number;
  readonly canaryMs: number;
}

/** What life asks of its link. */
export interface Pulse {
  readonly isReady: boolean;
  readonly isOpener: boolean;
  readonly smoothedRttMs: number;
  ping(): void;
  canary(serial: number): void;
  late(isLate: boolean): void;
  canaryBack(seconds: number): void;
  helloMissing(): void;
  dead(): void;
}

const CANARY_LATE_FLOOR_MS = 2_000;
const CANARY_LATE_ROUND_TRIPS = 8;

export class Life {
  isLate = false;
  readonly #pulse: Pulse;
  readonly #clock: Clock;
  readonly #limits: LifeLimits;
  readonly #helloTicks: number;
  readonly #timer: Timer;
  #ticks = 0;
  #heardSinceTick = false;
  #silentTicks = 0;
  #canarySerial = 0;
  /** When the canary under way left; null when none is. */
  #canarySentMs: number | null = null;
  #heardSinceCanary = false;

  constructor(pulse: Pulse, clock: Clock, limits: LifeLimits, helloTimeoutMs: number) {
    this.#pulse = pulse;
    this.#clock = clock;
    this.#limits = limits;
    this.#helloTicks = Math.ceil(helloTimeoutMs / limits.canaryMs);
    this.#timer = clock.every(limits.canaryMs, this.#tick);
  }

  /**
   * Whether the peer is known to read and to answer: what asks by canaries has none that is late; what does not has heard
   * something since the PING that silence makes.
   */
  get isProved(): boolean {
    if (this.#pulse.isOpener) return !this.isLate;
    return this.#silentTicks * this.#limits.canaryMs < this.#limits.heartbeatMs + CANARY_LATE_FLOOR_MS;
  }

  heard(): void {
    this.#heardSinceTick = true;
    this.#heardSinceCanary = true;
    if (this.isLate) this.#setLate(false);
  }

  canaryReply(serial: number): void {
    if (this.#canarySentMs === null || serial !== this.#canarySerial) return;
    this.#pulse.canaryBack((this.#clock.nowMs() - this.#canarySentMs) / 1_000);
    this.#canarySentMs = null;
  }

  stop(): void {
    this.#timer.stop();
  }

  readonly #tick = (): void => {
    this.#ticks += 1;
    this.#silentTicks = this.#heardSinceTick ? 0 : this.#silentTicks + 1;
    this.#heardSinceTick = false;
    if (!this.#pulse.isReady) {
      if (this.#ticks >= this.#helloTicks) this.#pulse.helloMissing();
      return;
    }
    const silentMs = this.#silentTicks * this.#limits.canaryMs;
    if (silentMs >= 2 * this.#limits.heartbeatMs) {
      this.#pulse.dead();
      return;
    }
    if (silentMs >= this.#limits.heartbeatMs) this.#pulse.ping();
    if (this.#pulse.isOpener) this.#watchCanary();
  };

  #watchCanary(): void {
    const now = this.#clock.nowMs();
    if (this.#canarySentMs === null) {
      this.#canarySerial = (this.#canarySerial + 1) >>> 0;
      this.#canarySentMs = now;
      this.#heardSinceCanary = false;
      this.#pulse.canary(this.#canarySerial);
      return;
    }
    const patienceMs = Math.max(CANARY_LATE_FLOOR_MS, CANARY_LATE_ROUND_TRIPS * this.#pulse.smoothedRttMs);
    if (!this.isLate && !this.#heardSinceCanary && now - this.#canarySentMs > patienceMs) this.#setLate(true);
  }

  #setLate(isLate: boolean): void {
    this.isLate = isLate;
    this.#pulse.late(isLate);
  }
}
