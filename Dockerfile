# sae-bids in a container, without a GPU (docs/bids.md):
#   docker build -t sae-webgpu .
#   docker run --rm -v DATASET:/data:ro -v OUTPUT:/out sae-webgpu /data /out participant --prior /data/prior.nii.gz
# docker build --target demo . runs the whole method on phantoms.

# Debian 13: lavapipe, the software GPU of its Mesa, is the one that the tests run on.
FROM node:22-trixie-slim AS base
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libvulkan1 mesa-vulkan-drivers \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/sae-webgpu

FROM base AS build
COPY package.json package-lock.json tsconfig.json tsconfig.build.json README.md LICENSE ./
COPY tools/embed-shaders.mjs tools/
COPY shaders shaders
COPY src src
# Builds too, by the script "prepare".
RUN npm ci

FROM build AS demo
RUN npm run demo

FROM build AS pruned
RUN npm prune --omit=dev --ignore-scripts

FROM base
COPY --from=pruned /opt/sae-webgpu /opt/sae-webgpu
# sae info fails if there is no adapter.
RUN chmod +x dist/cli/main.js dist/cli/sae-bids.js \
  && ln -s /opt/sae-webgpu/dist/cli/main.js /usr/local/bin/sae \
  && ln -s /opt/sae-webgpu/dist/cli/sae-bids.js /usr/local/bin/sae-bids \
  && sae info
ENTRYPOINT ["sae-bids"]
