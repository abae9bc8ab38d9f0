/** What modules ask of the page as they are loaded: its address, its events, its language. No layout. */
if (!("window" in globalThis))
  Object.assign(globalThis, {
    window: new EventTarget(),
    document: { documentElement: { lang: "vi", dataset: {} } },
    location: new URL("http://ioc.test/"),
    history: { state: null, pushState: () => undefined, replaceState: () => undefined },
  });
