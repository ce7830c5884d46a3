package variant_test

import (
	"fmt"
	"strings"
	"testing"
)

// podSpec adds lines to the spec of web's pods.
func podSpec(lines string) string {
	return strings.Replace(web, "    spec:\n      containers", "    spec:\n      "+lines+"\n      containers", 1)
}

func claim(mode string) string {
	return "\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [" + mode + "]}\n"
}

func TestWhatCannotBeShared(t *testing.T) {
	const data = `volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]`
	strategy := func(s string) string {
		return strings.Replace(rollout, "spec:\n  selector", "spec:\n  strategy: "+s+"\n  selector", 1)
	}
	for _, tc := range []struct {
		name, plan, env string
		fails           []string
		warns           string
	}{
		{name: "ReadWriteOnce", env: podSpec(data) + claim("ReadWriteOnce"), fails: []string{"Deployment/web: mounts PersistentVolumeClaim/data", "ReadWriteMany", "inPlace"}},
		{name: "ReadWriteOncePod", env: podSpec(data) + claim("ReadWriteOncePod"), fails: []string{"mounts PersistentVolumeClaim/data"}},
		{name: "ReadWriteMany", env: podSpec(data) + claim("ReadWriteMany")},
		{name: "a claim from elsewhere", env: podSpec(data), warns: "PersistentVolumeClaim/data, which is not in this environment"},
		{name: "a StatefulSet's own claims", env: strings.ReplaceAll(db, "db:v1", "web:v1")},
		{name: "hostNetwork", env: podSpec("hostNetwork: true"), fails: []string{"Deployment/web: uses the host's network", "inPlace"}},
		{name: "hostPort", env: strings.Replace(web, "image: shop/web:v1", "image: shop/web:v1\n        ports: [{containerPort: 80, hostPort: 80}]", 1), fails: []string{"Deployment/web: uses a hostPort"}},
		{name: "hostPort 0", env: strings.Replace(web, "image: shop/web:v1", "image: shop/web:v1\n        ports: [{containerPort: 80, hostPort: 0}]", 1)},
		{
			name: "hostPort that a patch takes away", plan: `candidate: {patches: [{target: {kind: Deployment}, patch: '[{op: remove, path: /spec/template/spec/containers/0/ports}]'}]}`,
			env: strings.Replace(web, "image: shop/web:v1", "image: shop/web:v1\n        ports: [{containerPort: 80, hostPort: 80}]", 1),
		},
		{name: "a canary's Services", env: strategy("{canary: {canaryService: c}}"), fails: []string{"Rollout/web: spec.strategy.canary.canaryService names a Service", "inPlace"}},
		{name: "a canary's stable Service", env: strategy("{canary: {stableService: c}}"), fails: []string{"spec.strategy.canary.stableService"}},
		{name: "blue-green Services", env: strategy("{blueGreen: {activeService: a, previewService: b}}"), fails: []string{"spec.strategy.blueGreen.activeService"}},
		{name: "a canary by replicas", env: strategy("{canary: {maxSurge: 1}}")},
		{name: "in place all of it may stay", plan: `candidate: {mode: inPlace}`, env: strategy("{canary: {canaryService: c}}")},
		{name: "replicas of a DaemonSet", plan: `candidate: {replicas: 2}`, env: strings.Replace(web, "Deployment", "DaemonSet", 1), warns: "spec.candidate.replicas has no effect on DaemonSet/web"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := input(t, tc.plan, tc.env, "web:v1", "web:v2")
			if tc.fails != nil {
				wantText(t, buildError(t, in), tc.fails...)
				return
			}
			r := build(t, in)
			if have := strings.Join(r.Warnings, "\n"); tc.warns == "" && have != "" {
				t.Errorf("warnings: %s", have)
			} else {
				wantText(t, have, tc.warns)
			}
		})
	}
}

func TestStrippedFromTheVariant(t *testing.T) {
	env := strings.Replace(web, "  labels: {app: web}\nspec", `  uid: x
  ownerReferences: [{name: x}]
  annotations:
    argocd.argoproj.io/hook: Sync
    argocd.argoproj.io/hook-delete-policy: HookSucceeded
    helm.sh/hook: post-install
    helm.sh/hook-weight: "1"
    helm.sh/resource-policy: keep
    argocd.argoproj.io/tracking-id: x
    argocd.argoproj.io/sync-options: Replace=true,ServerSideApply=true, Force=true,Prune=false
    argocd.argoproj.io/compare-options: IgnoreExtraneous
    external-dns.alpha.kubernetes.io/hostname: x
    keep: me
status: {a: b}
spec`, 1)
	d := build(t, input(t, ``, env, "web:v1", "web:v2")).Objects[0]
	wantAt(t, d, "metadata", map[string]any{"name": "web-candidate", "annotations": map[string]any{
		"argocd.argoproj.io/sync-options": "ServerSideApply=true", "keep": "me",
	}})
	wantAt(t, d, "status", nil)
}

// TestStrippedAfterPatches: what binds Argo CD to the copy does not come back
// through a patch of the plan.
func TestStrippedAfterPatches(t *testing.T) {
	const patched = `
candidate:
  patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
        finalizers: [example.com/stay]
        annotations: {argocd.argoproj.io/sync-options: "Prune=false,ServerSideApply=true"}
`
	d := build(t, input(t, patched, web, "web:v1", "web:v2")).Objects[0]
	if got := d.GetFinalizers(); len(got) > 0 {
		t.Errorf("finalizers %q", got)
	}
	if got := d.GetAnnotations()["argocd.argoproj.io/sync-options"]; got != "ServerSideApply=true" {
		t.Errorf("sync options %q", got)
	}
}

func TestSelectorsMustBeTheVariantsOwn(t *testing.T) {
	const patched = `
candidate:
  traffic: %s
  patches:
  - target: {kind: Deployment}
    patch: '[%s]'
`
	for _, tc := range []struct{ name, traffic, patch, want string }{
		{"not its own pods", "isolated", `{op: add, path: /spec/selector/matchLabels/x, value: z}`, "Deployment/web-candidate: its selector app=web-candidate,x=z does not match its own pods"},
		{"the baseline's pods", "shared", `{op: remove, path: /spec/selector/matchLabels/assay.dev~1variant}`, "Deployment/web-candidate: selects app=web, which matches the pods of the baseline's Deployment/web"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantText(t, buildError(t, input(t, fmt.Sprintf(patched, tc.traffic, tc.patch), web, "web:v1", "web:v2")), tc.want)
		})
	}
}

func TestBadSelectorOfTheBaseline(t *testing.T) {
	env := web + "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {version: 1}}\n"
	wantText(t, buildError(t, input(t, ``, env, "web:v1", "web:v2")), "Service/a: spec.selector: the value of label version is not a string; quote it")
}
