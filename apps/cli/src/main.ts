/** The `sallyport` command. What it consists of is loaded once signals are heard: that takes longer than all else of a start. */
import { holdHangup } from './hangup.ts';

holdHangup(process.argv[2]);
await import('./run.ts');
