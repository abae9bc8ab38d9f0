/**
 * The live connection. Lists first, then the stream from their position; a cut shows within 3 s (the server speaks
 * every second), and the stream resumes after the last change heard. `reset` means: too far behind, read the lists
 * again. What came before a stream joined is sent ahead of its first `clock`, so only with a clock is the page live.
 */
import type { Alert, Clock, Device, Domain, StreamGone } from "../api/types";
import { alerts } from "./alerts.svelte";
import { city } from "./city.svelte";
import { clock } from "./clock.svelte";
import { devices } from "./devices.svelte";
import { ruleChanges, type RuleChange } from "./rules";
import { silences } from "./silences.svelte";

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
    const [alertPosition, devicePosition] = await Promise.all([
      alerts.load(),
      devices.load(),
      city.loadDomains(),
      city.load(),
    ]);
    if (mine !== generation) return;
    position = Math.min(alertPosition, devicePosition);
    failure = null;
    connect();
    void silences.load();
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
  hearAs<Device | StreamGone>(mine, "device", (device) => devices.hear(device));
  hearAs<Domain>(mine, "domain", (domain) => city.hearDomain(domain));
  hearAs<{ id: string }>(mine, "silence", () => silences.hear());
  hearAs<RuleChange>(mine, "rule", () => ruleChanges.hear());
  hearAs<Clock>(mine, "clock", (message) => {
    clock.hear(message);
    caughtUp();
  });
  mine.addEventListener("open", () => heard(mine));
  mine.addEventListener("reset", () => void reload());
  mine.addEventListener("error", () => {
    if (mine === source) brokenAt ??= performance.now();
    // The browser retries by itself unless the server refused; then it gives up for good and we ask anew.
    if (mine === source && mine.readyState === EventSource.CLOSED) retryLater(mine);
  });
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- who asks knows what comes
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
}

function caughtUp(): void {
  if (state === "live") return;
  alerts.draw();
  devices.draw();
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
  // What the browser thinks of its network is not asked: a desk without the internet may well hear its server.
  if (state === "live" && (silent > SILENT_MILLISECONDS || broken)) {
    state = "cut";
    cutSince = clock.now - silent;
  }
  if (source && source.readyState !== EventSource.CLOSED && now - Math.max(heardAt, openedAt) > STUCK_MILLISECONDS)
    connect();
  if (state === "live" && now - domainsAt > 20_000) {
    domainsAt = now;
    // A missed refresh is tried again in 20 s; the connection's own state says when the server is away.
    void city.loadDomains().catch((cause: unknown) => (failure = cause));
  }
}
