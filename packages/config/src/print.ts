import { Document, isCollection, isNode } from 'yaml';
import { LEAVES } from './leaves.ts';
import type { Origins } from './load.ts';
import { redact } from './redact.ts';
import type { Config } from './schema.ts';

/**
 * The configuration as YAML, one setting a line with its origin as a comment. Secrets are replaced by ***: user information
 * and query of URLs, and texts like id:secret. Without those it reads back as it is.
 */
export function printConfig(config: Config, origins: Origins): string {
  const document = new Document(redact(config));
  for (const { keys, path } of LEAVES) {
    const node = document.getIn(keys, true);
    if (!isNode(node)) continue;
    // Lists and mappings on one line too, so that each origin stands beside its setting.
    if (isCollection(node)) node.flow = true;
    node.comment = ` ${origins.get(path) ?? 'default'}`;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
