/** What an answer of /readyz says hinders the server, in the words that the stream's clock uses too. */
import type { Readiness, Trouble } from "../api/types";

const KNOWN: Record<Trouble, true> = {
  database: true,
  disk: true,
  durability: true,
  duty: true,
  rules: true,
  rollup: true,
  door: true,
  bridge: true,
  keeper: true,
  api: true,
};

/** A word that this screen does not know is left out: it could not say it. */
export function troubleOf(
  readiness: Record<keyof Pick<Readiness, "checks" | "trouble">, Record<string, string>>,
): Trouble[] {
  const failing = Object.entries(readiness.checks).filter(([, state]) => state === "failing");
  const names = new Set([...Object.keys(readiness.trouble), ...failing.map(([name]) => name)]);
  return [...names].filter((name): name is Trouble => Object.hasOwn(KNOWN, name)).sort();
}
