/** Integrity drivers: what they are, and what they protect, lies in the memory of their guest. */
import type { ResolvedIntegrityDriver, ResolvedVm } from "../schema/scenario.generated.ts";
import { type Finding, finding, pointerTo } from "./problem.ts";

const PAGES_PER_MIB = 256;
/** Devices of modelled guests write at the end of memory. */
const BELOW_END_MIB = 8;

type Range = { readonly page: number; readonly pages: number };

/** Where everything lies, in pages. */
export function integrityLayout(
  { memoryMiB }: Pick<ResolvedVm, "memoryMiB">,
  { atMiB, codePages, dataPages, protect }: ResolvedIntegrityDriver,
) {
  const page = Math.floor((atMiB ?? Math.max(0, memoryMiB - BELOW_END_MIB)) * PAGES_PER_MIB);
  return {
    code: { page, pages: codePages },
    data: { page: page + codePages, pages: dataPages },
    protect: protect.map((each) => ({
      page: Math.floor(each.atMiB * PAGES_PER_MIB),
      pages: each.pages,
    })),
  };
}

const share = (a: Range, b: Range): boolean =>
  a.page < b.page + b.pages && b.page < a.page + a.pages;

export function checkIntegrity(
  vm: ResolvedVm,
  driver: ResolvedIntegrityDriver,
  pointer: string,
): readonly Finding[] {
  const { code, data, protect } = integrityLayout(vm, driver);
  const memoryPages = vm.memoryMiB * PAGES_PER_MIB;
  const expected = `within its memoryMiB ${vm.memoryMiB}`;
  const found: Finding[] = [];
  if (data.page + data.pages > memoryPages) {
    const message = "the driver ends outside the memory of the vm";
    found.push(finding(pointerTo(pointer, "atMiB"), message, expected));
  }
  protect.forEach((range, at) => {
    const place = pointerTo(pointer, "protect", at);
    if (range.page + range.pages > memoryPages) {
      found.push(finding(place, "protects pages outside the memory of the vm", expected));
    } else if (share(range, data)) {
      found.push(finding(place, "protects data that the driver has to write", "other pages"));
    }
  });
  const places = { code, data, protected: protect[0] };
  driver.attacks.forEach(({ on, pages }, at) => {
    const place = pointerTo(pointer, "attacks", at);
    const target = places[on];
    if (target === undefined) {
      found.push(finding(pointerTo(place, "on"), "nothing is protected", "pages in protect"));
    } else if (pages > target.pages) {
      const message = `writes more than the ${target.pages} pages that are there`;
      found.push(finding(pointerTo(place, "pages"), message, `at most ${target.pages}`));
    }
  });
  return found;
}
