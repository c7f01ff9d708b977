// What e2e/world.py made, for the tests.
import { readFileSync } from "node:fs";

export interface World {
  url: string;
  key: string;
  /** Carries out `{policy, trust, policy_name?, role_name?}` in the customer's account. */
  customer: string;
  account_id: string;
  /** Connected, synchronized and transferred. */
  bucket: string;
  /** Nobody has connected it. */
  other_bucket: string;
  integration: string;
  links: string;
  /** A folder with the videos. */
  samples: string;
  index: string;
  index_name: string;
  transfer: string;
  /** Ids by file name. */
  videos: Record<string, string>;
}

let known: World | undefined;

export function world(): World {
  if (!known) {
    const file = process.env.TELECINE_WORLD;
    if (!file) throw new Error("TELECINE_WORLD is not set: run web/e2e/run.sh, or web/e2e/world.py first");
    known = JSON.parse(readFileSync(file, "utf8")) as World;
  }
  return known;
}
