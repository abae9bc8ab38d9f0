/** The one door to the server: JSON in and out, problems as errors, 401 sent to whoever asked to be told. */
import type { Page } from "./types";

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body.detail ?? body.title ?? `HTTP ${status}`));
    this.status = status;
    this.code = String(body.code ?? "");
    this.body = body;
  }
}

let onSignedOut: () => void = () => undefined;

/** `listener` is called whenever the server says that nobody is signed in. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

type Options = { method?: string; body?: unknown; version?: number; signal?: AbortSignal; quiet401?: boolean };

/** Ask the API. Raises Problem: status 0 when the server cannot be reached, else the HTTP status. */
export async function ask<T>(path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.version !== undefined) headers["If-Match"] = `"${options.version}"`;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ?? null,
      credentials: "same-origin",
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new Problem(0, { title: "unreachable", code: "unreachable" });
  }
  if (response.status === 401 && !options.quiet401) onSignedOut();
  if (!response.ok) throw new Problem(response.status, await readBody(response));
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function readBody(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return { title: response.statusText };
  }
}

/** Read a whole list, page by page. The position is the first page's: what came later the stream says again. */
export async function askAll<T>(path: string, pagesMax: number): Promise<{ items: T[]; position: number; truncated: boolean }> {
  const items: T[] = [];
  let cursor: string | null = null;
  let position = 0;
  for (let page = 0; page < pagesMax; page += 1) {
    const mark: string = path.includes("?") ? "&" : "?";
    const answer: Page<T> = await ask(cursor === null ? path : `${path}${mark}cursor=${encodeURIComponent(cursor)}`);
    items.push(...answer.items);
    if (page === 0) position = answer.position;
    cursor = answer.next;
    if (cursor === null) break;
  }
  return { items, position, truncated: cursor !== null };
}
