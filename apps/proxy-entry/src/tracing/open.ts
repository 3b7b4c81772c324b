/** Traces as they are configured; OpenTelemetry's code is loaded only where there are any. */
import type { Config } from '@sallyport/config';
import { SpanExporter } from '@sallyport/telemetry';
import type { Logger, Telemetry } from '@sallyport/telemetry';
import { SERVICES } from './spans.ts';
import { Tracer } from './tracer.ts';

interface Around {
  /** Which process this is. */
  readonly instance: string;
  readonly version: string;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
}

/** Null: there are no traces. Rejects with a TracingError. */
export async function openTracer({ tracing, deploymentId }: Config, around: Around): Promise<Tracer | null> {
  const { endpoint, sampleRatio, ...limits } = tracing;
  if (endpoint === undefined) return null;
  const { instance, version, telemetry, logger } = around;
  const deployment = { 'service.namespace': deploymentId };
  const exporter = await SpanExporter.open({
    endpoint,
    ...limits,
    scope: { name: 'sallyport', version },
    services: {
      [SERVICES.entry]: { ...deployment, 'service.version': version, 'service.instance.id': instance },
      // Of others than this process nothing more is known.
      [SERVICES.server]: deployment,
      [SERVICES.client]: deployment,
    },
    telemetry,
    logger,
  });
  return new Tracer(sampleRatio, exporter);
}
