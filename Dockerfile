# syntax=docker/dockerfile:1
# One image for every role: `ioc up` (the default, with its own PostgreSQL in /data) or `ioc door`, `ioc api`, ...
#   docker build -t ioc . && docker run -p 8000:8000 -p 1883:1883 -v ioc-data:/data ioc

FROM node:24-slim AS screens
WORKDIR /src/ui
COPY ui/package.json ui/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY ui/ ./
RUN npm run build

FROM python:3.13-slim AS build
WORKDIR /src
# For the rules, which are compiled; the image itself carries no compiler.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock requirements-runtime.lock ./
RUN python -m venv /opt/ioc \
    && /opt/ioc/bin/pip install --require-hashes -r requirements-runtime.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE THIRD_PARTY_NOTICES.txt ./
COPY ioc/ ioc/
COPY mqtt_client/ mqtt_client/
COPY simulators/ simulators/
COPY migrations/ migrations/
COPY --from=screens /src/ioc/screens/static/ ioc/screens/static/
COPY scripts/compile_rules.py scripts/
RUN REQUIRED=1 /opt/build/bin/python scripts/compile_rules.py
# The builder is hashed too: nothing is fetched that the locks do not name.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/ioc/bin/pip install --no-deps /dist/*.whl

FROM python:3.13-slim
LABEL org.opencontainers.image.title="ioc" \
      org.opencontainers.image.description="Intelligent Operations Center: events, rules with evidence, live screens" \
      org.opencontainers.image.licenses="Apache-2.0"
# A named account: PostgreSQL refuses to make its files for root and for a number without a name.
RUN useradd --system --uid 10001 --create-home --home-dir /home/ioc --shell /usr/sbin/nologin ioc \
    && install --directory --owner=ioc --group=ioc --mode=0700 /data
COPY --from=build /opt/ioc /opt/ioc
ENV PATH=/opt/ioc/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    IOC_DATA_DIR=/data \
    IOC_HTTP_HOST=0.0.0.0 \
    IOC_MQTT_HOST=0.0.0.0 \
    IOC_MQTT_PLAIN_ANYWHERE=true
USER 10001
WORKDIR /home/ioc
VOLUME ["/data"]
# A container's own loopback reaches nobody: it listens everywhere, and `-p 127.0.0.1:1883:1883` keeps plain MQTT on the host.
EXPOSE 8000 1883 8883
# The supervisor stops workers, then PostgreSQL; `docker stop` would kill it after 10 s: use --stop-timeout 60.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
ENTRYPOINT ["ioc"]
CMD ["up"]
