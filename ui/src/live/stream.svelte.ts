/**
 * The live connection. Lists first, then the stream from their position; a cut shows within 3 s (the server speaks
 * every second), and the stream resumes after the last change heard. `reset` means: too far behind, read the lists again.
 */
import type { Alert, Clock, Device, Domain } from "../api/types";
import { alerts } from "./alerts.svelte";
import { city } from "./city.svelte";
import { clock } from "./clock.svelte";
import { devices } from "./devices.svelte";
import { ruleChanges, type RuleChange } from "./rules";

const SILENT_MILLISECONDS = 2250;
const BROKEN_MILLISECONDS = 1300;
const WATCH_MILLISECONDS = 250;
const STUCK_MILLISECONDS = 6000;
const RETRY_MILLISECONDS = 1000;

export type LiveState = "connecting" | "live" | "cut" | "failed";

let state = $state<LiveState>("connecting");
let heardAgo = $state(0);
let cutSince = $state<number | null>(null);
let failure = $state.raw<unknown>(null);

let source: EventSource | null = null;
let position = 0;
let heardAt = 0;
let openedAt = 0;
let brokenAt: number | null = null;
let timer: ReturnType<typeof setInterval> | null = null;
let domainsAt = 0;
let generation = 0;

export const live = {
  get state(): LiveState {
    return state;
  },
  /** Whole seconds since the server was last heard. */
  get heardAgoSeconds(): number {
    return heardAgo;
  },
  get cutSince(): number | null {
    return cutSince;
  },
  get failure(): unknown {
    return failure;
  },
  start,
  stop,
};

async function start(): Promise<void> {
  stop();
  state = "connecting";
  timer = setInterval(watch, WATCH_MILLISECONDS);
  await reload();
}

function stop(): void {
  generation += 1;
  source?.close();
  source = null;
  if (timer !== null) clearInterval(timer);
  timer = null;
}

async function reload(): Promise<void> {
  const mine = (generation += 1);
  source?.close();
  source = null;
  try {
    const [alertPosition, devicePosition] = await Promise.all([alerts.load(), devices.load(), city.loadDomains(), city.load()]);
    if (mine !== generation) return;
    position = Math.min(alertPosition, devicePosition);
    failure = null;
    connect();
  } catch (cause) {
    if (mine !== generation) return;
    failure = cause;
    if (!alerts.loaded) state = "failed";
    setTimeout(() => mine === generation && timer !== null && void reload(), RETRY_MILLISECONDS * 3);
  }
}

function connect(): void {
  source?.close();
  const mine = new EventSource(`/api/v1/stream?after=${position}`);
  source = mine;
  openedAt = performance.now();
  hearAs<Alert>(mine, "alert", (alert) => alerts.hear(alert));
  hearAs<Device>(mine, "device", (device) => devices.hear(device));
  hearAs<Domain>(mine, "domain", (domain) => city.hearDomain(domain));
  hearAs<RuleChange>(mine, "rule", () => ruleChanges.hear());
  hearAs<Clock>(mine, "clock", (message) => clock.hear(message));
  mine.addEventListener("open", () => heard(mine));
  mine.addEventListener("reset", () => void reload());
  mine.addEventListener("error", () => {
    if (mine === source) brokenAt ??= performance.now();
    // The browser retries by itself unless the server refused; then it gives up for good and we ask anew.
    if (mine === source && mine.readyState === EventSource.CLOSED) retryLater(mine);
  });
}

function hearAs<T>(from: EventSource, name: string, use: (value: T) => void): void {
  from.addEventListener(name, (event) => {
    if (from !== source) return;
    const message = event as MessageEvent<string>;
    heard(from);
    const id = Number(message.lastEventId);
    if (id > position) position = id;
    use(JSON.parse(message.data) as T);
  });
}

function heard(from: EventSource): void {
  if (from !== source) return;
  heardAt = performance.now();
  brokenAt = null;
  if (state === "live") return;
  state = "live";
  cutSince = null;
}

function retryLater(mine: EventSource): void {
  setTimeout(() => {
    if (mine !== source || timer === null) return;
    // A refused stream may mean that the session ended: any list says so and leads to sign-in.
    void city.loadDomains().then(
      () => mine === source && connect(),
      () => mine === source && timer !== null && retryLater(mine),
    );
  }, RETRY_MILLISECONDS);
}

function watch(): void {
  clock.tick();
  const now = performance.now();
  const silent = heardAt === 0 ? 0 : now - heardAt;
  heardAgo = Math.floor(silent / 1000);
  // A broken line that mends within a breath is not worth a banner.
  const broken = brokenAt !== null && now - brokenAt > BROKEN_MILLISECONDS;
  if (state === "live" && (silent > SILENT_MILLISECONDS || broken || !navigator.onLine)) {
    state = "cut";
    cutSince = clock.now - silent;
  }
  if (source && source.readyState !== EventSource.CLOSED && now - Math.max(heardAt, openedAt) > STUCK_MILLISECONDS) connect();
  if (state === "live" && now - domainsAt > 20_000) {
    domainsAt = now;
    // A missed refresh is tried again in 20 s; the connection's own state says when the server is away.
    void city.loadDomains().catch((cause: unknown) => (failure = cause));
  }
}
