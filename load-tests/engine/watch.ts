import { machineLoss, sampleMachine } from './machine.ts';
import { monotonicMs } from './clock.ts';
import type { GeneratorReport } from '../report/model.ts';

const US_PER_MS = 1000;

/** What this process and its machine were doing, from construction to `read()`. */
export class GeneratorWatch {
  readonly #startMs = monotonicMs();
  readonly #machine = sampleMachine();
  readonly #elu = performance.eventLoopUtilization();
  readonly #cpu = process.cpuUsage();

  read(): Pick<GeneratorReport, 'elu' | 'cpuPercent' | 'stealPercent' | 'throttledPercent'> {
    const wallMs = monotonicMs() - this.#startMs;
    const cpu = process.cpuUsage(this.#cpu);
    return {
      elu: performance.eventLoopUtilization(this.#elu).utilization,
      cpuPercent: wallMs > 0 ? (100 * (cpu.user + cpu.system)) / US_PER_MS / wallMs : null,
      ...machineLoss(this.#machine, sampleMachine(), wallMs),
    };
  }
}
