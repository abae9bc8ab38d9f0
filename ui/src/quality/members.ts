/** The members of a refused body: what a remedy may rename. */

const MOST = 50;

/** Names of the members of a JSON object, or of the first object of an array; none where it is neither. */
export function membersOf(raw: string | null): string[] {
  if (raw === null) return [];
  try {
    const value: unknown = JSON.parse(raw);
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === "object" && first !== null ? Object.keys(first).slice(0, MOST) : [];
  } catch {
    return [];
  }
}
