# The image of the plugin's sidecar and of the promoter: both commands, what they run
# (git, ssh, gpg), and a plugin.yaml for each version of Helm. It runs as any user, with
# its root file system read-only; TMPDIR alone must be writable.
# argocd-cmp-server, which serves the plugin, is mounted from the repo-server's own
# image by the pod (manifests/repo-server-sidecar.yaml), so that the two always match.
# test/image makes the last stage without an engine, from its FROM, RUN and COPY.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN for command in assay assayd; do GOOS=$TARGETOS GOARCH=$TARGETARCH ./build "/$command"; done

FROM debian:trixie-slim
# Argo CD's user, who owns the plugin's socket. ssh refuses one without an entry.
RUN groupadd --gid 999 argocd \
 && useradd --uid 999 --gid 999 --home-dir /home/argocd --no-create-home --shell /usr/sbin/nologin argocd
# Left out of the packages: Perl, which only commands of git need that Assay does not
# run, and git's servers.
RUN printf 'path-exclude=%s\n' \
      '/usr/share/perl/*' '/usr/lib/*/perl/*' '/usr/lib/*/libperl.so.*' \
      '/usr/bin/git-shell' '/usr/bin/scalar' '/usr/lib/git-core/scalar' '/usr/lib/git-core/git-daemon' \
      '/usr/lib/git-core/git-http-backend' '/usr/lib/git-core/git-imap-send' '/usr/lib/git-core/git-shell' \
      >/etc/dpkg/dpkg.cfg.d/assay \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates git gpg gpg-agent openssh-client \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*
COPY --from=build /assay /assayd /usr/local/bin/
COPY plugin.yaml /home/argocd/cmp-server/config/plugin.yaml
# For Argo CD from 3.5 on (manifests/helm-v4).
COPY plugin.helm-v4.yaml /home/argocd/cmp-server/helm-v4/plugin.yaml
USER 999:999
ENTRYPOINT ["assay"]
