/** The one door to the server: JSON in and out, problems as errors, 401 sent to whoever asked to be told. */
import type { Readiness } from "./types";

/** A page of a list, and the change position at which it is true. */
export type Page<T> = { items: T[]; next: string | null; position: number };

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(textOf(body.detail) ?? textOf(body.title) ?? `HTTP ${status}`);
    this.status = status;
    this.code = textOf(body.code) ?? "";
    this.body = body;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

let onSignedOut: () => void = () => undefined;

/** `listener` is called whenever the server says that nobody is signed in. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** What files are that a person sends: a browser does not always know. */
const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
export const CSV = "text/csv";
function fileType(file: Blob): string {
  return file.type === CSV ? CSV : WORKBOOK;
}
type Options = { method?: string; body?: unknown; version?: number; signal?: AbortSignal; quiet401?: boolean };

/** Ask the API. Raises Problem: status 0 when the server cannot be reached, else the HTTP status. */
export async function ask<T>(path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const file = options.body instanceof Blob ? options.body : null;
  if (options.body !== undefined) headers["Content-Type"] = file ? fileType(file) : "application/json";
  if (options.version !== undefined) headers["If-Match"] = `"${options.version}"`;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? undefined : (file ?? JSON.stringify(options.body)),
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

/** Send a file as it is; `onshare` hears how much of it is gone, from 0 to 1. Raises Problem as `ask` does. */
export function sendFile<T>(
  path: string,
  file: File,
  onshare: (share: number) => void,
  signal: AbortSignal,
): Promise<T> {
  // fetch() does not say how far a body is.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1${path}`);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", file.type);
    request.responseType = "json";
    request.upload.onprogress = (event) => onshare(event.lengthComputable ? event.loaded / event.total : 0);
    const failed = (): void => reject(new Problem(0, { title: "unreachable", code: "unreachable" }));
    request.onerror = failed;
    request.onabort = failed;
    request.onload = () => {
      const body: unknown = request.response;
      if (request.status === 401) onSignedOut();
      if (request.status >= 200 && request.status < 300) resolve(body as T);
      else reject(new Problem(request.status, (body ?? {}) as Record<string, unknown>));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

const READINESS_MILLISECONDS_MAX = 4000;

/** Ask whether the server is ready; null when it cannot be reached or says something else. It needs no session. */
export async function askReadiness(): Promise<Readiness | null> {
  try {
    const response = await fetch("/readyz", { signal: AbortSignal.timeout(READINESS_MILLISECONDS_MAX) });
    const body = (await response.json()) as Partial<Readiness>;
    return typeof body.ready === "boolean"
      ? {
          ready: body.ready,
          durability: body.durability ?? "unknown",
          checks: body.checks ?? {},
          trouble: body.trouble ?? {},
        }
      : null;
  } catch {
    return null;
  }
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
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- who asks knows what comes
export async function askAll<T>(
  path: string,
  pagesMax: number,
): Promise<{ items: T[]; position: number; truncated: boolean }> {
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
