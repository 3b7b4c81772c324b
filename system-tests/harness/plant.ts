/** Plants a fault: the source text of one module is changed as it is loaded, so that the product needs no hooks for it. */
import { registerHooks } from 'node:module';

export interface Plant {
  /** How the module's URL ends. */
  readonly file: string;
  /** Stands in it exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** For all modules that are loaded from now on. Answers whether the one that is meant has been. */
export function plant({ file, find, replace }: Plant): () => boolean {
  let isPlanted = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(file)) return loaded;
      const source = Buffer.from(loaded.source as Buffer).toString();
      const places = source.split(find).length - 1;
      if (places !== 1) throw new Error(`${file} has ${places} places that read ${JSON.stringify(find)}, not one`);
      isPlanted = true;
      return { ...loaded, source: source.replace(find, () => replace) };
    },
  });
  return () => isPlanted;
}
