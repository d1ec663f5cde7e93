/** `npm run imports`: one-way imports and doors; fails also when the checker saw too little. */
import { checkImports, FEWEST_MODULES } from "../properties/tidy/imports.ts";

const { modules, dependencies, violations } = await checkImports();
for (const violation of violations) console.error(violation);
console.log(`${modules} modules, ${dependencies} imports, ${violations.length} violations`);
if (modules < FEWEST_MODULES || dependencies < modules) {
  console.error(`the checker saw too little: at least ${FEWEST_MODULES} modules are there`);
  process.exitCode = 1;
}
if (violations.length > 0) process.exitCode = 1;
