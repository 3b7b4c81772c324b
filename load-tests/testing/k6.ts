import { findK6 } from '../engine/k6.ts';

/** The reason to skip, or false. With SALLYPORT_NO_SKIP=1 what is absent fails instead. */
export function skipWithoutK6(): string | false {
  try {
    findK6();
    return false;
  } catch {
    return process.env['SALLYPORT_NO_SKIP'] === '1' ? false : 'k6 is not installed (go install go.k6.io/k6@v1.8.1)';
  }
}
