/**
 * How many bytes of a link may be unacknowledged: max(256 KiB, 2 × bandwidth × round trip), so that what overtakes
 * (PING, RESET, CREDIT) does not wait seconds behind a download in a deep socket buffer. Bandwidth is the highest
 * delivery rate of the last samples, the round trip the lowest of the last 10 s: the two filters of BBR (Cardwell et
 * al., "BBR: Congestion-Based Congestion Control", ACM Queue 14(5), 2016), fed by PONG's count of bytes received.
 */
const FLOOR_BYTES = 256 * 1024;
/** A PING goes out with this many bytes when none is under way. */
const PING_EVERY_BYTES = 64 * 1024;
const RATE_SAMPLES = 10;
const ROUND_TRIP_MEMORY_MS = 10_000;
const SMOOTHING = 1 / 8;

export class Acks {
  /** Smoothed round trip (RFC 6298 §2's filter), 0 before the first PONG. */
  smoothedRttMs = 0;
  limitBytes = FLOOR_BYTES;
  #sentBytes = 0;
  #ackedBytes = 0;
  #sentSincePing = 0;
  #serial = 0;
  /** When the PING under way left; null when none is. */
  #pingSentMs: number | null = null;
  #lastAckMs = 0;
  #minRttMs = Number.POSITIVE_INFINITY;
  #minRttAtMs = 0;
  readonly #rates = new Float64Array(RATE_SAMPLES);
  #nextRate = 0;

  get unackedBytes(): number {
    return this.#sentBytes - this.#ackedBytes;
  }

  get pingUnderWay(): boolean {
    return this.#pingSentMs !== null;
  }

  allows(bytes: number): boolean {
    return this.unackedBytes + bytes < this.limitBytes;
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes;
    this.#sentSincePing += bytes;
  }

  wantsPing(): boolean {
    return this.#pingSentMs === null && this.#sentSincePing >= PING_EVERY_BYTES;
  }

  /** Notes that a PING leaves now; returns its serial. */
  ping(nowMs: number): number {
    this.#pingSentMs = nowMs;
    this.#sentSincePing = 0;
    this.#serial = (this.#serial + 1) >>> 0;
    return this.#serial;
  }

  /** Takes a PONG in. False when it answers no PING of ours or claims bytes that were never sent. */
  pong(serial: number, received: number, nowMs: number): boolean {
    if (this.#pingSentMs === null || serial !== this.#serial) return false;
    // `received` is modulo 2³²; unacknowledged bytes are far below that, so the difference is exact.
    const newlyAcked = (received - (this.#ackedBytes % 2 ** 32)) >>> 0;
    if (newlyAcked > this.unackedBytes) return false;
    this.#sampleRoundTrip(nowMs - this.#pingSentMs, nowMs);
    this.#sampleRate(newlyAcked, nowMs);
    this.#ackedBytes += newlyAcked;
    this.#pingSentMs = null;
    this.#lastAckMs = nowMs;
    const bandwidthDelay = Math.max(...this.#rates) * this.#minRttMs;
    this.limitBytes = Math.max(FLOOR_BYTES, 2 * bandwidthDelay);
    return true;
  }

  #sampleRoundTrip(rttMs: number, nowMs: number): void {
    this.smoothedRttMs += this.smoothedRttMs === 0 ? rttMs : SMOOTHING * (rttMs - this.smoothedRttMs);
    if (rttMs <= this.#minRttMs || nowMs - this.#minRttAtMs > ROUND_TRIP_MEMORY_MS) {
      this.#minRttMs = rttMs;
      this.#minRttAtMs = nowMs;
    }
  }

  #sampleRate(bytes: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastAckMs;
    if (this.#lastAckMs === 0 || elapsedMs <= 0) return;
    this.#rates[this.#nextRate] = bytes / elapsedMs;
    this.#nextRate = (this.#nextRate + 1) % RATE_SAMPLES;
  }
}
