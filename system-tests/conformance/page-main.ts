/** `npm run docs`: writes docs/conformance.md. */
import { writeFileSync } from 'node:fs';
import { conformancePage } from './page.ts';
import { PAGE, testsHere } from './page-files.ts';

writeFileSync(PAGE, conformancePage(testsHere()));
