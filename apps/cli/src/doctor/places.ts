/** Admin ports that are asked: those that were named, else those of the configuration and of what runs beside it. */
import type { Settings } from '../settings.ts';
import { partsOf } from './context.ts';
import type { DoctorContext, Part } from './context.ts';

export interface Place {
  readonly url: URL;
  /** Whose it is; null: somebody asked for it, and that nobody answers there is a fault. */
  readonly part: AdminPart | null;
  /** Somebody named it: it may see the credential for admin ports. */
  readonly isNamed: boolean;
}

/** Parts that have an admin port. */
const ADMIN_PARTS = ['server', 'entry', 'client'] as const satisfies readonly Part[];
type AdminPart = (typeof ADMIN_PARTS)[number];

/** A part that the configuration says nothing of may run on this machine all the same, where such parts do by themselves. */
export function placesOf({ settings, admin }: DoctorContext): Place[] {
  if (admin.urls.length > 0) return admin.urls.map((url) => ({ url, part: null, isNamed: true }));
  if (settings === null) return [];
  const configured = adminPartsOf(settings);
  return ADMIN_PARTS.flatMap((part) => {
    const { host, port } = settings.config[part].admin;
    if (port === 0) return [];
    const name = WILDCARDS[host] ?? host;
    return [
      {
        url: new URL(`http://${name.includes(':') ? `[${name}]` : name}:${port}`),
        part,
        isNamed: configured.includes(part),
      },
    ];
  });
}

/** Parts of the configuration. */
export function adminPartsOf(settings: Settings): AdminPart[] {
  const parts = partsOf(settings);
  return ADMIN_PARTS.filter((part) => parts.has(part));
}

const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
