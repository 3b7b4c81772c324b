# One image for all parts (targets: sallyport, httpbin). Built by docker-compose.yml, or:
#   docker build --target sallyport -t sallyport .
FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/protocol/package.json packages/protocol/
COPY packages/http1/package.json packages/http1/
COPY packages/config/package.json packages/config/
COPY packages/credentials/package.json packages/credentials/
COPY packages/telemetry/package.json packages/telemetry/
COPY apps/cli/package.json apps/cli/
COPY apps/cli/bin apps/cli/bin
COPY apps/proxy-entry/package.json apps/proxy-entry/
COPY apps/tunnel-server/package.json apps/tunnel-server/
COPY apps/tunnel-client/package.json apps/tunnel-client/
COPY apps/test-backend/package.json apps/test-backend/
COPY load-tests/package.json load-tests/
COPY system-tests/package.json system-tests/
# The image brings its own Node: what checks and tests need stays out.
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:26-bookworm-slim AS sallyport
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY packages packages
COPY apps apps
COPY load-tests load-tests
RUN mkdir /secrets && chown node:node /secrets
USER node
ENV NODE_ENV=production
ENTRYPOINT ["node", "/app/apps/cli/bin/sallyport.js"]
CMD ["--help"]

FROM debian:bookworm-slim AS httpbin
RUN apt-get update \
  && apt-get install -y --no-install-recommends gunicorn python3-httpbin python3-gevent \
  && rm -rf /var/lib/apt/lists/*
USER nobody
EXPOSE 12005
CMD ["gunicorn", "-k", "gevent", "--workers", "8", "--worker-connections", "1000", "--worker-tmp-dir", "/dev/shm", "-b", "0.0.0.0:12005", "httpbin:app"]
