package variant_test

import (
	"strings"
	"testing"
)

const settings = `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: red}
`

const ingress = `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {nginx.ingress.kubernetes.io/auth-secret: users}
spec:
  tls: [{secretName: cert}]
  rules:
  - http: {paths: [{path: /, backend: {service: {name: web, port: {number: 80}}}}]}
`

func using(workload, envFrom string) string {
	return strings.Replace(workload, "image: shop/web:v1", "image: shop/web:v1\n        envFrom: ["+envFrom+"]", 1)
}

func TestLaw5(t *testing.T) {
	config := using(web, "{configMapRef: {name: settings}}")
	other := "---\n" + strings.ReplaceAll(config, "web", "worker")
	for _, tc := range []struct {
		name, plan, env string
		edits           []string
		untested        []string // of the result; nil where it fails
		fails           []string
	}{
		{name: "a clone that nothing else uses", env: config + settings, edits: []string{"red", "blue"}},
		{
			name: "labels and annotations of any object ship, and are named", env: web + settings,
			edits:    []string{"web:v1", "web:v2", "metadata: {name: settings}", "metadata: {name: settings, labels: {v: b}, annotations: {c: d}}"},
			untested: []string{"ConfigMap/settings (labels and annotations)"},
		},
		{
			name: "an altered object that no target refers to", env: web + settings, edits: []string{"web:v1", "web:v2", "red", "blue"},
			fails: []string{"Deployment/web does not test", "ConfigMap/settings: data.color changed", "spec.targets in env/assay.yaml", "spec.untested"},
		},
		{
			name: "listed under untested", plan: `untested: [{kind: ConfigMap, name: settings}]`, env: web + settings,
			edits: []string{"web:v1", "web:v2", "red", "blue"}, untested: []string{"ConfigMap/settings (listed under untested: data.color changed)"},
		},
		{
			name: "a clone that another workload uses", plan: `targets: [{kind: Deployment, name: web}]`, env: config + other + settings, edits: []string{"red", "blue"},
			fails: []string{"ConfigMap/settings: data.color changed; Deployment/worker uses it too"},
		},
		{name: "a clone that another workload uses is fine once that is a target", env: config + other + settings, edits: []string{"red", "blue"}},
		{
			name: "a Job", env: web + migrate, edits: []string{":v1", ":v2"},
			fails: []string{"Job/migrate: spec.template.spec.containers[0].image changed", "List a workload under spec.targets"},
		},
		{
			name: "a Job under untested", plan: `untested: [{kind: Job, name: migrate}]`, env: web + migrate, edits: []string{":v1", ":v2"},
			untested: []string{"Job/migrate (listed under untested: spec.template.spec.containers[0].image changed)"},
		},
		{
			name: "an added object", env: web, edits: []string{"web:v1", "web:v2" + settings},
			fails: []string{"ConfigMap/settings: added"},
		},
		{
			name: "a removed object", env: web + settings, edits: []string{"web:v1", "web:v2", settings, ""},
			fails: []string{"ConfigMap/settings: removed"},
		},
		{
			name: "a removed object that the target alone used", env: config + settings,
			edits: []string{settings, "", "        envFrom: [{configMapRef: {name: settings}}]\n", ""},
		},
		{
			name: "a removed object that another workload used too", plan: `targets: [{kind: Deployment, name: web}]`, env: config + other + settings,
			edits: []string{settings, "", "        envFrom: [{configMapRef: {name: settings}}]\n", ""},
			fails: []string{"ConfigMap/settings: removed", "Deployment/worker: "},
		},
		{name: "a Service's port, which the variant's copy has", env: web + webService, edits: []string{"web:v1", "web:v2", "targetPort: 8080", "targetPort: 8081"}},
		{
			name: "a Service's port, which an Ingress uses too", env: web + webService + ingress, edits: []string{"web:v1", "web:v2", "targetPort: 8080", "targetPort: 8081"},
			fails: []string{"Service/web: spec.ports[0].targetPort changed; Ingress/web uses it too"},
		},
		{
			name: "a Service's type, which the variant's copy has not", env: web + webService, edits: []string{"web:v1", "web:v2", "type: LoadBalancer", "type: NodePort"},
			fails: []string{"Service/web: spec.type changed; the variant's copy is a ClusterIP"},
		},
		{
			name: "a Service's selector", env: web + webService, edits: []string{"web:v1", "web:v2", "selector: {app: web}", "selector: {app: web, tier: x}"},
			fails: []string{"Service/web: spec.selector.tier changed"},
		},
		{name: "a Secret that an Ingress serves", plan: ``, env: using(web, "{secretRef: {name: cert}}") + ingress + `
---
apiVersion: v1
kind: Secret
metadata: {name: cert}
stringData: {key: red}
`, edits: []string{"red", "blue"}, fails: []string{"Secret/cert: stringData.key changed; Ingress/web uses it too"}},
		{name: "a Secret that an annotation names", plan: ``, env: using(web, "{secretRef: {name: users}}") + ingress + `
---
apiVersion: v1
kind: Secret
metadata: {name: users}
stringData: {key: red}
`, edits: []string{"red", "blue"}, fails: []string{"Secret/users: stringData.key changed; Ingress/web uses it too"}},
		{name: "a Pod's labels are those of pods", env: web + `
---
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: red}}
spec: {containers: [{name: a, image: b}]}
`, edits: []string{"web:v1", "web:v2", "red", "blue"}, fails: []string{"Pod/one: metadata.labels.app changed"}},
		{
			name: "labels of a pod template of another workload", plan: `targets: [{kind: Deployment, name: web}]`, env: web + other,
			edits: []string{"web:v1", "web:v2", "      labels: {app: worker}", "      labels: {app: worker, b: c}"},
			fails: []string{"Deployment/worker: spec.template.metadata.labels"},
		},
		{name: "Helm test hooks stay out", env: web + `
---
apiVersion: v1
kind: Pod
metadata: {name: test, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: a, image: red}]}
`, edits: []string{"web:v1", "web:v2", "red", "blue"}},
		{
			name: "a hook that Argo CD runs", env: web + strings.Replace(migrate, "{name: migrate}", "{name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}", 1),
			edits: []string{":v1", ":v2"}, fails: []string{"Job/migrate: "},
		},
		{
			name: "generateName", env: web + strings.Replace(migrate, "{name: migrate}", "{generateName: migrate-}", 1),
			edits: []string{":v1", ":v2"}, fails: []string{"Job/migrate- (generateName): "},
		},
		{
			name: "generateName under untested", plan: `untested: [{kind: Job, name: migrate-}]`, env: web + strings.Replace(migrate, "{name: migrate}", "{generateName: migrate-}", 1),
			edits: []string{":v1", ":v2"}, untested: []string{"Job/migrate- (generateName) (listed under untested: spec.template.spec.containers[0].image changed)"},
		},
		{
			name: "generateName that does not differ", env: web + strings.Replace(migrate, "{name: migrate}", "{generateName: migrate-}", 1),
			edits: []string{"web:v1", "web:v2"},
		},
		{name: "an autoscaler of the target", env: web + `
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`, edits: []string{"web:v1", "web:v2", "maxReplicas: 3", "maxReplicas: 4"}, fails: []string{"HorizontalPodAutoscaler/web: spec.maxReplicas changed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := input(t, tc.plan, tc.env, tc.edits...)
			if tc.fails != nil {
				wantText(t, buildError(t, in), tc.fails...)
				return
			}
			r := build(t, in)
			if have, want := strings.Join(r.Untested, "\n"), strings.Join(tc.untested, "\n"); have != want {
				t.Errorf("untested: %s\nwant: %s", have, want)
			}
		})
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	secret := `
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: hunter2}
`
	text := buildError(t, input(t, ``, web+secret, "web:v1", "web:v2", "hunter2", "swordfish"))
	wantText(t, text, "Secret/login: stringData.password changed")
	if strings.Contains(text, "hunter2") || strings.Contains(text, "swordfish") {
		t.Errorf("the message shows the value: %s", text)
	}
}

func TestManyFindingsStayShort(t *testing.T) {
	env := web
	for i := range 40 {
		env += strings.ReplaceAll(settings, "settings", "settings-"+strings.Repeat("x", 100)+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	wantText(t, buildError(t, input(t, ``, env, "web:v1", "web:v2", "red", "blue")), "and 35 more")
}

func TestRenderedTwice(t *testing.T) {
	again := strings.Replace(settings, "{name: settings}", "{name: settings, namespace: shop}", 1)
	wantText(t, buildError(t, input(t, ``, web+settings+again, "web:v1", "web:v2")), "ConfigMap/shop/settings: is rendered twice", "remove one")
}
