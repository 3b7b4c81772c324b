export type Origin = 'default' | 'file' | 'environment' | 'flag';

/** One thing wrong with the configuration. Holds no secret. */
export interface Problem {
  /** `client.sessions[0].id`; empty when the whole file is meant. */
  readonly path: string;
  /** What is wrong, to be read after the path. */
  readonly message: string;
  /** How to put it right. */
  readonly hint: string;
  readonly origin: Origin;
  /** `/etc/sallyport.yaml:12` or the environment variable's name. */
  readonly where?: string;
  /** In the file, from 1. */
  readonly line?: number;
}

/** Where a value came from, as far as it is known. */
export interface Source {
  readonly origin: Origin;
  /** Environment variable, or undefined. */
  readonly variable?: string;
  readonly file?: string;
  /** Line in the file of the closest known key, from 1. */
  readonly lineOf?: (keys: readonly (string | number)[]) => number | undefined;
}

export type Keys = readonly (string | number)[];

const LISTED_MAX = 20;

/** What is found to be wrong, as far as anybody reads it: the first 20, and how many more there are. */
export class Problems {
  readonly #listed: Problem[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Whether one more would only be counted. */
  get isFull(): boolean {
    return this.#count >= LISTED_MAX;
  }

  /** `make` is not called for those that are only counted: to say what and where takes its time. */
  add(make: () => Problem): void {
    if (!this.isFull) this.#listed.push(make());
    this.#count += 1;
  }

  get listed(): readonly Problem[] {
    const more = this.#count - this.#listed.length;
    if (more === 0) return this.#listed;
    return [...this.#listed, problemAt({ origin: 'file' }, [], `and ${more} more`, 'put these right first')];
  }
}

/** `client.sessions[0].id`, `entry.hosts["app.example.org"]`. */
export function formatPath(keys: Keys): string {
  let path = '';
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`;
    else if (!/^[\w-]{1,64}$/.test(key)) path += `[${JSON.stringify(key.slice(0, 64))}]`;
    else path += path === '' ? key : `.${key}`;
  }
  return path;
}

export function problemAt(source: Source, keys: Keys, message: string, hint: string): Problem {
  const line = source.lineOf?.(keys);
  const file = source.file === undefined || line === undefined ? source.file : `${source.file}:${line}`;
  const where = source.variable ?? file;
  return {
    path: formatPath(keys),
    message,
    hint,
    origin: source.origin,
    ...(where === undefined ? {} : { where }),
    ...(line === undefined ? {} : { line }),
  };
}

/** One line for people: `sallyport.yaml:3: server.port: a text is not a whole number from 0 to 65535; for example 12001`. */
export function formatProblem(problem: Problem): string {
  const head = [problem.where, problem.path].filter((part) => part !== undefined && part !== '').join(': ');
  return `${head === '' ? '' : `${head}: `}${problem.message}; ${problem.hint}`;
}
