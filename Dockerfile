# Weft's three programs in one image: `proxy.mjs`, `control.mjs`, `weft.mjs`. Non-root, and content with a read-only file system.
# Tests build the same without Docker (test/cluster/image/weft-image.ts).
FROM debian:12-slim AS system
RUN apt-get update && apt-get install -y --no-install-recommends nftables libatomic1 ca-certificates
# nft and its libraries, and no shell: an attacker in a sidecar finds nothing to run.
RUN mkdir -p /out/usr/sbin && cp /usr/sbin/nft /out/usr/sbin/ \
 && ldd /usr/sbin/nft | grep -o '/lib[^ ]*' | xargs -I{} cp --parents -L {} /out/ \
 && cp --parents -L /usr/lib/*/libatomic.so.1 /out/

FROM node:26-bookworm-slim AS build
WORKDIR /build
COPY . .
# `prepare` generates the xDS messages; the dependency `node` carries the very version that is tested.
RUN npm ci && npm run bundle \
 && mkdir -p /out/app/node_modules /out/usr/local/bin \
 && cp dist/*.mjs /out/app/ \
 && cp -r node_modules/koffi node_modules/@koromix /out/app/node_modules/ \
 && rm -rf /out/app/node_modules/koffi/src /out/app/node_modules/koffi/vendor /out/app/node_modules/koffi/doc \
 && cp node_modules/node/bin/node /out/usr/local/bin/node

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=system /out/ /
COPY --from=build /out/ /
USER 1337:1337
WORKDIR /app
ENV NODE_ENV=production
ENTRYPOINT ["/usr/local/bin/node", "--no-warnings"]
CMD ["/app/proxy.mjs"]
