/** The part of k6's modules and globals that these scripts use (grafana.com/docs/k6, v1.8). Nothing else is there. */
declare module 'k6/execution' {
  const exec: {
    scenario: {
      /** Counted over all virtual users, from 0. */
      iterationInTest: number;
      /** Milliseconds since the epoch. */
      startTime: number;
      /** 0 to 1, by time where the executor has a duration. */
      progress: number;
    };
    /** Milliseconds, with fractions. */
    instance: { currentTestRunDuration: number };
  };
  export default exec;
}

declare module 'k6/http' {
  /** Milliseconds; `duration` leaves out the others. */
  type Timings = { duration: number; blocked: number; connecting: number; tls_handshaking: number };
  type Answer = {
    /** 0 where none came. */
    status: number;
    /** Names as Go writes them (`Server-Timing`); several fields of a name are joined by commas. */
    headers: Record<string, string | undefined>;
    timings: Timings;
    error: string;
    error_code: number;
  };
  const http: {
    request(
      method: string,
      url: string,
      body: string | ArrayBuffer | null,
      params: { headers: Record<string, string>; timeout: number; redirects: number },
    ): Answer;
  };
  export default http;
}

declare module 'k6/metrics' {
  export class Counter {
    constructor(name: string);
    add(value: number, tags?: Record<string, string>): void;
  }
  export class Trend {
    constructor(name: string, isTime?: boolean);
    add(value: number, tags?: Record<string, string>): void;
  }
}

declare module 'k6/websockets' {
  export class WebSocket {
    constructor(url: string, protocols: string[] | null, params: { headers: Record<string, string> });
    binaryType: 'blob' | 'arraybuffer';
    addEventListener(event: 'open' | 'message' | 'error' | 'close', listener: () => void): void;
    send(data: string | ArrayBuffer): void;
    close(): void;
  }
}

/** 0 while the options are read and at the end; a virtual user's number otherwise. */
declare const __VU: number;
declare const __ENV: Record<string, string | undefined>;
/** Only while a script is being loaded. */
declare function open(file: string): string;
declare function open(file: string, mode: 'b'): ArrayBuffer;
