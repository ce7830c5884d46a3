# Needs Go, Git and make, and OpenSSH's server for one test. `make e2e` needs redis-server, debootstrap, a C compiler
# and, for the image, root; it builds the real components on its first run. `make race`
# needs a C compiler, and `make test` does without where there is none.

# Where real environments are, for the tests that use them; unset, those skip.
export ASSAY_CORPUS

# All targets compile alike, as ./build does: what one of them has compiled serves the next. Tests are
# not vetted where they run, for the linter vets them.
export CGO_ENABLED ?= 0
export GOFLAGS := $(GOFLAGS) -trimpath

GO ?= go
FUZZTIME ?= 10s
component := test/components/build
concurrent := ./internal/cache ./internal/credential ./internal/envfs ./internal/forge ./internal/gate ./internal/git ./internal/git/remote ./internal/object/manifest ./plugin/cmp ./plugin/cmp/worker ./promote/controller ./promote/controller/fleet ./render ./render/flat ./render/helm ./render/kustomize ./test/e2e/process

.PHONY: help build audit release test race others peers demo corpus e2e image-test playground fidelity bench bench-promoter faults hostile lint generate check-generated fuzz clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

build: ## build bin/assay and bin/assayd
	GO=$(GO) ./build bin/assay
	GO=$(GO) ./build bin/assayd

audit: build ## print the modules in what ships, fail on one that must not, and write the bill of materials
	@$(GO) run ./test/audit bin/assay bin/assayd

release: ## build the archives, bills of materials and checksums of a release in bin/release
	@rm -rf bin/release
	GO=$(GO) ./release bin/release

test: ## run the tests, those of concurrent code under the race detector
	@$(if $(shell command -v $(or $(CC),cc) 2>/dev/null),$(MAKE) --no-print-directory race others,echo "no C compiler: the race detector is left out" && $(GO) test -vet=off -timeout 20m ./...)

race: peers ## run the tests of concurrent code under the race detector
	CGO_ENABLED=1 $(GO) test -race -vet=off -timeout 20m $(concurrent)

others: peers
	$(GO) test -vet=off -timeout 20m $(filter-out $(concurrent:./%=github.com/assaydev/assay/%),$(shell $(GO) list ./...))

# Tests would build these, too, and a cold build of them takes longer than a test may.
peers:
	@$(component) helm-3.18.6 helm-4.2.4 kustomize-5.4.3 kustomize-5.8.1 >/dev/null

demo: ## walk the whole loop in the three layouts, and check the laws
	@$(GO) run -tags "$$(./build -tags)" ./cmd/assay demo

corpus: ## promote and reject changes of every kind in the examples and in ASSAY_CORPUS
	@$(GO) run ./test/corpus

e2e: ## render every environment under real Argo CD, natively and through the plugin; pull requests on real Gitea; Applications of a real API server; the image; the whole loop in a cluster
	@$(component) argo-rollouts argocd-v2 argocd-v3 etcd gitea helm-3.16.3 helm-3.18.4 helm-3.19.5 helm-4.2.4 kube-apiserver kube-controller-manager kube-scheduler kubectl kwok kustomize-5.4.3 kustomize-5.7.1 kustomize-5.8.1 >/dev/null
	@cd test/e2e && $(GO) test -tags e2e -vet=off -count 1 -timeout 20m

image-test: ## run the image without an engine, as the pods of manifests/ do; as root
	@$(component) argocd-v3 etcd gitea helm-3.18.4 helm-4.2.4 kube-apiserver kustomize-5.7.1 kustomize-5.8.1 >/dev/null
	@cd test/e2e && $(GO) test -tags e2e -vet=off -count 1 -timeout 20m -run '^TestImage$$'

playground: ## run the whole loop on this machine, with the examples, until an interrupt; needs root
	@$(GO) run ./test/e2e/playground

fidelity: ## compare what assay renders with the helm and kustomize of each supported Argo CD, on ASSAY_CORPUS and on Kustomize's own test cases
	@$(GO) run ./test/fidelity

bench: ## measure assay against helm, kustomize and itself
	@$(GO) run ./test/bench

bench-promoter: ## measure the promoter against a real API server, also where it is killed
	@test/components/build etcd gitea kube-apiserver >/dev/null
	@$(GO) run ./test/bench/promoter
	@$(GO) run ./test/bench/fleet
	@$(GO) run ./test/bench/fleet -status 30 -rounds 0

faults: ## write to real Git servers against other writers, kills and a branch that moves
	@CGO_ENABLED=1 $(GO) run -race ./test/faults

# The linter's cache holds absolute paths: one for each place of the checkout.
hostile: ## run assay on thousands of hostile repositories under strace
	@$(GO) run ./test/hostile

lint: export GOLANGCI_LINT_CACHE = $(or $(ASSAY_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/assay)/lint$(CURDIR)
lint: ## run the linters and check the formatting
	@linter=$$($(component) golangci-lint) && "$$linter" run --allow-serial-runners ./... && "$$linter" fmt --diff ./...

generate: ## write the files that are generated from code
	$(GO) generate ./...

check-generated: generate ## fail if a generated file is not what the code says
	git diff --exit-code
	@test -z "$$(git ls-files --others --exclude-standard)" || { git ls-files --others --exclude-standard; exit 1; }

fuzz: ## run each fuzz test for FUZZTIME
	@$(GO) list -f '{{.Dir}}' ./... | while read -r dir; do \
		grep -lE '^func Fuzz' "$$dir"/*_test.go 2>/dev/null | xargs -r sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' | while read -r name; do \
			echo "$$name ($$dir)"; $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s "$$dir" || exit 1; \
		done || exit 1; \
	done

clean: ## remove what was built here; components stay cached
	rm -rf bin
