# To pin it: NODE_IMAGE=node@sha256:…, as deploy/compose/pin.sh prints.
ARG NODE_IMAGE=node:24-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script here: the one called node brings a Node, which the image has.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts
# What nothing here reads: sources of SQLite, its drivers for other machines, declarations, maps.
RUN cd node_modules/better-sqlite3 && rm -r deps src && \
    find prebuilds -type f ! -name "linux-$(node -p process.arch).node" -delete && \
    cd /app && find node_modules dist -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
# Package managers and programs that run as their owner, which would help an intruder alone.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* \
    /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/yarn /usr/local/bin/yarnpkg /usr/local/bin/corepack && \
    find / -xdev -type f -perm /6000 -exec chmod a-s {} +
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY config ./config
COPY bin ./bin
RUN ln -s /app/bin/mlflow-auth-client /app/bin/mlflow-auth-gateway /usr/local/bin/
# A new volume takes its owner from here.
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
# The last is for mlflow-auth-client, typed in the container.
ENV MLFLOW_AUTH_HOST=0.0.0.0 \
    MLFLOW_AUTH_DATABASE_URI=sqlite:////data/gateway.db \
    MLFLOW_TRACKING_URI=http://127.0.0.1:5000
EXPOSE 5000
# Tells a store that is gone or an MLflow that is dead, whatever port, prefix or certificate the gateway has.
HEALTHCHECK --interval=15s --timeout=6s --start-period=30s CMD ["node", "dist/main.js", "check-ready"]
# Not through npm: as process 1 it gets SIGTERM itself, drains and exits.
CMD ["node", "dist/main.js", "serve"]
