/**
 * A change of something that has a version: done, lost to whoever changed it meanwhile (412; the answer has the new
 * state, which is heard before anybody tells it), or refused with the reason in words. Nothing is ever overwritten.
 */
import { Problem } from "../api/client";

export type Lost<T> = { lost: T };
export type Refused = { refused: string; problem: Problem };
export type Outcome<T> = { done: T } | Lost<T> | Refused;

export async function change<T>(
  work: () => Promise<T>,
  { hear, explain }: { hear: (current: T) => void; explain: (problem: Problem) => string },
): Promise<Outcome<T>> {
  try {
    const done = await work();
    hear(done);
    return { done };
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    const current = cause.body.current as T | undefined;
    if (cause.status !== 412 || !current) return { refused: explain(cause), problem: cause };
    hear(current);
    return { lost: current };
  }
}
