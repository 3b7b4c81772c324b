/** Pages of the documentation that are made from the code. */
import { configReference } from '@sallyport/config';
import { problemReference } from '@sallyport/proxy-entry';

/** Path from the project's folder → text. `npm run docs` writes them; a test compares. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', page(configReference(), 'packages/config/src/schema.ts')],
    ['docs/problems.md', page(problemReference(), 'apps/proxy-entry/src/problems.ts')],
  ]);
}

/** The formatter leaves it as it is: what is compared must not depend on how it aligns tables. */
function page(markdown: string, source: string): string {
  return [
    '<!-- oxfmt-ignore-start -->',
    `<!-- Made from ${source} by "npm run docs"; change it there. -->`,
    '',
    markdown.trimEnd(),
    '',
    '<!-- oxfmt-ignore-end -->',
    '',
  ].join('\n');
}
