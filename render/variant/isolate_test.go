package variant_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func podLabels(app string) string { return strings.ReplaceAll(web, "{app: web}", app) }

func TestIsolatingLabel(t *testing.T) {
	service := func(selector string) string {
		return "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: " + selector + "}\n"
	}
	for _, tc := range []struct {
		name, env, want string
	}{
		{"app.kubernetes.io/name first", podLabels("{app: a, app.kubernetes.io/name: b, z: c}"), "app:a app.kubernetes.io/name:b-candidate z:c"},
		{"then app", podLabels("{app: a, app.kubernetes.io/component: b}"), "app:a-candidate app.kubernetes.io/component:b"},
		{"then the component", podLabels("{a: a, app.kubernetes.io/component: b}"), "a:a app.kubernetes.io/component:b-candidate"},
		{"then k8s-app", podLabels("{a: a, k8s-app: b}"), "a:a k8s-app:b-candidate"},
		{"then by name", podLabels("{b: a, c: b}"), "b:a-candidate c:b"},
		{"the instance last", podLabels("{app.kubernetes.io/instance: a, z: b}"), "app.kubernetes.io/instance:a z:b-candidate"},
		{"what the Service selects by", podLabels("{app: a, tier: b}") + service("{tier: b}"), "app:a tier:b-candidate"},
		{"a long value", podLabels("{app: " + strings.Repeat("a", 60) + "}"), "app:" + strings.Repeat("a", 44) + "-11ee3912-candidate"},
		{"an empty value", podLabels(`{app: ""}`), "app:candidate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := build(t, input(t, ``, tc.env, "web:v1", "web:v2"))
			d := get(t, r.Objects, "Deployment/web-candidate")
			have := labelText(at(d, "spec.template.metadata.labels"))
			if have != sorted(tc.want) {
				t.Errorf("pod labels %s, want %s", have, sorted(tc.want))
			}
			if selector := labelText(at(d, "spec.selector.matchLabels")); selector != have {
				t.Errorf("selector %s, pod labels %s", selector, have)
			}
		})
	}
}

func TestCannotIsolate(t *testing.T) {
	env := podLabels("{app: web, tier: front}")
	env = strings.Replace(env, "matchLabels: {app: web, tier: front}", "matchLabels: {app: web}", 1)
	for _, tc := range []struct{ name, object, want string }{
		{"by a label that the workload does not select by", "apiVersion: v1\nkind: Service\nmetadata: {name: front}\nspec: {selector: {tier: front}}", "Service/front selects tier=front"},
		{"a disruption budget", "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: front}\nspec: {selector: {matchLabels: {tier: front}}}", "PodDisruptionBudget/front selects tier=front"},
		{"a policy", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: front}\nspec: {podSelector: {matchExpressions: [{key: app, operator: Exists}]}}", "NetworkPolicy/front selects app"},
		{"another workload", strings.NewReplacer("name: web", "name: other", "{app: web}", "{tier: front}").Replace(web), "Deployment/other selects tier=front"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := buildError(t, input(t, `targets: [{kind: Deployment, name: web}]`, env+"\n---\n"+tc.object, "web:v1", "web:v2"))
			wantText(t, text, "Deployment/web: no label of its selector", tc.want, "spec.candidate.labels in env/assay.yaml", "traffic: shared")
		})
	}
	// The fix that the message names.
	r := build(t, input(t, `candidate: {labels: {tier: trial}}`, env+"\n---\napiVersion: v1\nkind: Service\nmetadata: {name: front}\nspec: {selector: {tier: front}}", "web:v1", "web:v2"))
	wantAt(t, get(t, r.Objects, "Service/front-candidate"), "spec.selector", map[string]any{"tier": "trial"})
}

func TestPatchCannotBringTrafficBack(t *testing.T) {
	in := input(t, `
candidate:
  patches:
  - target: {kind: Deployment}
    patch: |
      - {op: replace, path: /spec/template/metadata/labels/app, value: web}
      - {op: replace, path: /spec/selector/matchLabels/app, value: web}
`, web+webService, "web:v1", "web:v2")
	wantText(t, buildError(t, in), "selects app=web, which matches the pods of")
}

func TestOwnSelectorsFollow(t *testing.T) {
	env := strings.Replace(web, "    spec:\n      containers", `    spec:
      topologySpreadConstraints:
      - {maxSkew: 1, labelSelector: {matchLabels: {app: web}}}
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: host, labelSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}
        podAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: host, labelSelector: {matchLabels: {app: db}}}
      containers`, 1)
	d := build(t, input(t, ``, env, "web:v1", "web:v2")).Objects[0]
	pod := "spec.template.spec."
	wantAt(t, d, pod+"topologySpreadConstraints.0.labelSelector.matchLabels.app", "web-candidate")
	wantAt(t, d, pod+"affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.labelSelector.matchExpressions.0.values", []any{"web-candidate"})
	wantAt(t, d, pod+"affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.labelSelector.matchLabels.app", "db")
}

func TestServicesOfSeveralTargets(t *testing.T) {
	api := strings.NewReplacer("name: web", "name: api", "{app: web}", "{app: shop, part: api}").Replace(web)
	front := strings.ReplaceAll(web, "{app: web}", "{app: shop, part: web}")
	env := front + "---\n" + api + "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: all}\nspec: {selector: {app: shop}}\n"
	r := build(t, input(t, ``, env, "web:v1", "web:v2"))
	wantAt(t, get(t, r.Objects, "Service/all-candidate"), "spec.selector", map[string]any{"app": "shop-candidate"})

	// One of the two alone: the Service's copy reaches the variant alone.
	r = build(t, input(t, `{targets: [{kind: Deployment, name: web}], untested: [{kind: Deployment, name: api}]}`, env, "web:v1", "web:v2"))
	wantAt(t, get(t, r.Objects, "Deployment/web-candidate"), "spec.template.metadata.labels", map[string]any{"app": "shop-candidate", "part": "web"})
}

func TestHeadlessServiceOfAStatefulSet(t *testing.T) {
	env := db + "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {clusterIP: None, clusterIPs: [None], publishNotReadyAddresses: true, selector: {app: db}}\n"
	r := build(t, input(t, ``, env, "db:v1", "db:v2"))
	wantAt(t, get(t, r.Objects, "StatefulSet/db-candidate"), "spec.serviceName", "db-candidate")
	wantAt(t, get(t, r.Objects, "Service/db-candidate"), "spec", map[string]any{
		"clusterIP": "None", "publishNotReadyAddresses": true, "selector": map[string]any{"app": "db-candidate"},
	})
}

func TestNetworkPolicies(t *testing.T) {
	env := web + db + `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}, {podSelector: {matchLabels: {app: proxy}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
  - {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}
  - {from: [{podSelector: {matchLabels: {app: backup}}}]}
  egress: [{to: [{podSelector: {matchLabels: {app: dns}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny-all}
spec: {podSelector: {}, policyTypes: [Ingress]}
`
	r := build(t, input(t, ``, env, "web:v1", "web:v2"))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate NetworkPolicy/web-candidate NetworkPolicy/db-candidate" {
		t.Fatalf("objects: %s", have)
	}
	have := render(t, r.Objects[1:])
	want := render(t, parse(t, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-candidate}
spec:
  podSelector: {matchLabels: {app: web-candidate}}
  ingress:
  - from:
    - {podSelector: {matchLabels: {app: web}}}
    - {podSelector: {matchLabels: {app: proxy}}}
    - {podSelector: {matchLabels: {app: web-candidate}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db-candidate}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web-candidate}}}], ports: [{port: 5432}]}]
`))
	if have != want {
		t.Errorf("have:\n%s\nwant:\n%s", have, want)
	}
}

func TestCollision(t *testing.T) {
	env := web + "---\n" + strings.NewReplacer("name: web", "name: web-candidate", "app: web", "app: x").Replace(web)
	text := buildError(t, input(t, `targets: [{kind: Deployment, name: web}]`, env, "image: shop/web:v1\n---", "image: shop/web:v2\n---"))
	wantText(t, text, "spec.candidate.nameSuffix: the variant of Deployment/web would be Deployment/web-candidate, and the environment has one already")
	in := input(t, `candidate: {name: web}`, web, "web:v1", "web:v2")
	wantText(t, buildError(t, in), "spec.candidate.name: ")
}

// Long names are shortened, alike for objects that are called alike, and references
// follow.
func TestLongNames(t *testing.T) {
	stateful := strings.ReplaceAll(strings.Replace(web, "Deployment", "StatefulSet", 1), "spec:\n  replicas", "spec:\n  serviceName: web\n  replicas")
	for _, test := range []struct {
		env     string
		length  int
		longest int
	}{
		{web + webService, 63, 63},
		{web + webService, 60, 63},
		{web + webService, 20, 63},
		{stateful + webService, 52, 52},
		{stateful, 45, 52},
		{web, 253, 253},
	} {
		long := strings.Repeat("w", test.length-2)
		var first []string
		for _, end := range []string{"-a", "-b"} {
			env := strings.NewReplacer("name: web}", "name: "+long+end+"}", "name: web\n  labels", "name: "+long+end+"\n  labels", "serviceName: web", "serviceName: "+long+end).Replace(test.env)
			one, two := build(t, input(t, ``, env, "web:v1", "web:v2")), build(t, input(t, ``, env, "web:v1", "web:v3"))
			for i, o := range one.Objects {
				switch n := o.GetName(); {
				case len(n) > test.longest || !strings.HasSuffix(n, "-candidate") || test.length > 20 && !strings.HasPrefix(n, "www") || n != one.Objects[0].GetName():
					t.Errorf("%s of %d characters is called %s", o.GetKind(), test.length, n)
				case two.Objects[i].GetName() != n:
					t.Errorf("%s is called %s, and %s with another change", o.GetKind(), n, two.Objects[i].GetName())
				case len(validation.IsDNS1035Label(n)) > 0 && test.longest < 253:
					t.Errorf("%s is not a name", n)
				}
			}
			if strings.Contains(env, "serviceName") && strings.Contains(env, "kind: Service\n") {
				wantAt(t, one.Objects[0], "spec.serviceName", one.Objects[0].GetName())
			}
			first = append(first, one.Objects[0].GetName())
		}
		if first[0] == first[1] {
			t.Errorf("two names of %d characters become %s", test.length, first[0])
		}
	}
}

func TestBadName(t *testing.T) {
	in := input(t, `candidate: {name: Web_2}`, web, "web:v1", "web:v2")
	wantText(t, buildError(t, in), "spec.candidate.name: ", "not a name for a Deployment")
}

func TestLongSuffix(t *testing.T) {
	for _, n := range []int{1, 40, 52, 53, 54, 55, 62, 63} {
		in := input(t, `candidate: {nameSuffix: `+strings.Repeat("x", n)+`}`, podLabels("{app: "+strings.Repeat("a", 63)+"}"), "web:v1", "web:v2")
		value, _ := at(build(t, in).Objects[0], "spec.template.metadata.labels.app").(string)
		if reasons := validation.IsValidLabelValue(value); len(reasons) > 0 || !strings.HasSuffix(value, "x") {
			t.Errorf("suffix of %d: %q: %v", n, value, reasons)
		}
	}
}
