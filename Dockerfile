# All images, a target each. Those of Sallyport's own parts differ in a few lines of metadata over the same layers, so that
# five of them take the room of one. docker-compose.yml builds them, or
#   docker build --target proxy-entry -t sallyport/proxy-entry .

# What npm installs from, wherever it lies: no list here that a new package could be missing from.
FROM node:26-bookworm-slim AS manifests
WORKDIR /app
COPY . .
RUN mkdir /manifests \
  && find . \( -name package.json -o -name package-lock.json -o -name .npmrc \) -exec cp --parents -t /manifests {} +

# Copied from another stage, files count by their content: npm runs again only when one of these has changed.
FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY --from=manifests /manifests ./
# The image brings its own Node; what checks, tests, editors and debuggers need stays out.
RUN npm ci --omit=dev --ignore-scripts --no-bin-links --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.[cm]ts' -o -name '*.d.ts' \) -delete

FROM node:26-bookworm-slim AS sallyport
LABEL org.opencontainers.image.title="Sallyport" \
  org.opencontainers.image.description="A reverse tunnel for HTTP and WebSocket that times every hop" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="docker.io/library/node:26-bookworm-slim"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
# A new volume gets the owner of the folder that it is mounted over.
RUN ln -s /app/apps/cli/bin/sallyport.js /usr/local/bin/sallyport \
  && install -d -o 1000 -g 1000 node_modules/.cache /var/lib/sallyport /secrets/entry /secrets/client /secrets/admin /results
# By number, so that Kubernetes sees that it is not root.
USER 1000:1000
# What Node has compiled stays in the image, since nothing can be written there later: parts start in half the time.
RUN sallyport --version
ENTRYPOINT ["sallyport"]
CMD ["--help"]

# In a container "0.0.0.0" is its own network; admin ports stay on loopback until they are given credentials.
# A look at a part's health costs 0.1 s of processor time, most of it the engine's: so not more often than this.
FROM sallyport AS tunnel-server
LABEL org.opencontainers.image.title="Sallyport tunnel-server"
ENV SALLYPORT_SERVER_HOST=0.0.0.0
EXPOSE 12001 12002
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 CMD ["/app/deploy/compose/ready.sh", "12002", "/readyz"]
CMD ["server"]

FROM sallyport AS proxy-entry
LABEL org.opencontainers.image.title="Sallyport proxy-entry"
ENV SALLYPORT_ENTRY_HOST=0.0.0.0
EXPOSE 12000 12003 12006
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 CMD ["/app/deploy/compose/ready.sh", "12003", "/readyz"]
CMD ["entry"]

FROM sallyport AS tunnel-client
LABEL org.opencontainers.image.title="Sallyport tunnel-client"
EXPOSE 12004
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 CMD ["/app/deploy/compose/ready.sh", "12004", "/readyz"]
CMD ["client"]

FROM sallyport AS test-backend
LABEL org.opencontainers.image.title="Sallyport test backend"
ENV SALLYPORT_BACKEND_HOST=0.0.0.0
EXPOSE 12007
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 CMD ["/app/deploy/compose/ready.sh", "12007", "/loadtest/ping"]
CMD ["backend"]

# Reports go to results/<time> below the folder that it works in.
FROM sallyport AS load
LABEL org.opencontainers.image.title="Sallyport load tests"
WORKDIR /
ENTRYPOINT ["/app/deploy/compose/as-owner.sh", "/results", "sallyport"]
CMD ["load", "--help"]

# A backend that others wrote.
FROM debian:bookworm-slim AS httpbin
RUN apt-get update \
  && apt-get install -y --no-install-recommends gunicorn python3-httpbin python3-gevent \
  && rm -rf /var/lib/apt/lists/*
COPY deploy/compose/ready.sh /usr/local/bin/
USER 65534:65534
EXPOSE 12005
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 CMD ["ready.sh", "12005", "/status/200"]
CMD ["gunicorn", "-k", "gevent", "--workers", "8", "--worker-connections", "1000", "--worker-tmp-dir", "/dev/shm", "-b", "0.0.0.0:12005", "httpbin:app"]
