# The sidecar of argocd-repo-server: the assay binary and its plugin.yaml, one for
# each version of Helm.
# argocd-cmp-server, which serves them, is mounted from the repo-server's own
# image by the pod (manifests/repo-server-sidecar.yaml), so that the two always match.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH ./build /assay

FROM gcr.io/distroless/static-debian12
COPY --from=build /assay /usr/local/bin/assay
COPY plugin.yaml /home/argocd/cmp-server/config/plugin.yaml
# For Argo CD from 3.5 on (manifests/helm-v4).
COPY plugin.helm-v4.yaml /home/argocd/cmp-server/helm-v4/plugin.yaml
# Argo CD's user, who owns the plugin's socket.
USER 999
WORKDIR /home/argocd/cmp-server/config
ENTRYPOINT ["/var/run/argocd/argocd-cmp-server"]
