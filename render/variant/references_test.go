package variant_test

import (
	"strings"
	"testing"
)

// everyReference uses one ConfigMap, Secret and ServiceAccount in every way
// that a pod can.
const everyReference = `
apiVersion: %API%
kind: %KIND%
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: robot
      imagePullSecrets: [{name: login}, {name: other}]
      initContainers:
      - name: init
        image: shop/web:v1
        envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: login}}]
      containers:
      - name: web
        image: shop/web:v1
        args: [settings, login]
        env:
        - {name: A, value: settings}
        - {name: B, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
        - {name: C, valueFrom: {secretKeyRef: {name: login, key: password}}}
      volumes:
      - {name: settings, configMap: {name: settings}}
      - {name: login, secret: {secretName: login}}
      - name: all
        projected: {sources: [{configMap: {name: settings}}, {secret: {name: login}}, {configMap: {name: other}}]}
      - {name: store, csi: {driver: x, nodePublishSecretRef: {name: login}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: red, on: "yes", day: "2020-01-01"}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {password: red}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
automountServiceAccountToken: true
imagePullSecrets: [{name: login}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data: {a: b}
`

func TestReferencesFollow(t *testing.T) {
	for _, kind := range []string{"apps/v1 Deployment", "apps/v1 StatefulSet", "apps/v1 DaemonSet", "apps/v1 ReplicaSet", "argoproj.io/v1alpha1 Rollout", "serving.knative.dev/v1 Service"} {
		t.Run(kind, func(t *testing.T) {
			api, k, _ := strings.Cut(kind, " ")
			env := strings.NewReplacer("%API%", api, "%KIND%", k).Replace(everyReference)
			r := build(t, input(t, ``, env, "red", "blue", "Token: true", "Token: false"))
			if have := strings.Join(names(r.Objects), " "); have != k+"/web-candidate ConfigMap/settings-candidate Secret/login-candidate ServiceAccount/robot-candidate" {
				t.Fatalf("objects: %s", have)
			}
			have := render(t, r.Objects)
			want := env[:strings.LastIndex(env, "---")]
			for _, ref := range []string{
				"configMapRef: {name: settings", "secretRef: {name: login", "configMapKeyRef: {name: settings", "secretKeyRef: {name: login",
				"configMap: {name: settings", "secret: {secretName: login", "secret: {name: login", "nodePublishSecretRef: {name: login",
				"serviceAccountName: robot", "imagePullSecrets: [{name: login", "metadata: {name: settings", "metadata: {name: login", "metadata: {name: robot", "metadata: {name: web",
			} {
				want = strings.ReplaceAll(want, ref, ref+"-candidate")
			}
			want = strings.NewReplacer("red", "blue", "Token: true", "Token: false", "{app: web}", "{app: web-candidate}").Replace(want)
			if want = render(t, parse(t, want)); have != want {
				t.Errorf("have:\n%s\nwant:\n%s", have, want)
			}
		})
	}
}

func TestKustomizeHash(t *testing.T) {
	env := strings.ReplaceAll(using(web, "{configMapRef: {name: settings}}")+settings, "settings", "settings-5hf9b2tkm6")
	r := build(t, input(t, ``, env, "settings-5hf9b2tkm6", "settings-9g2mk7dctb", "red", "blue"))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate ConfigMap/settings-9g2mk7dctb-candidate" {
		t.Errorf("objects: %s", have)
	}
	wantAt(t, r.Objects[0], "spec.template.spec.containers.0.envFrom.0.configMapRef.name", "settings-9g2mk7dctb-candidate")
	if have := strings.Join(names(r.Before), " "); have != "Deployment/web ConfigMap/settings-5hf9b2tkm6" {
		t.Errorf("before: %s", have)
	}
}

// A hash changes with the content, so the plan names what is before it.
func TestUntestedByTheNameBeforeTheHash(t *testing.T) {
	env := strings.ReplaceAll(web+settings, "settings", "settings-5hf9b2tkm6")
	in := input(t, `untested: [{kind: ConfigMap, name: settings}]`, env, "settings-5hf9b2tkm6", "settings-9g2mk7dctb", "red", "blue", "web:v1", "web:v2")
	if have := strings.Join(build(t, in).Untested, "\n"); have != "ConfigMap/settings-9g2mk7dctb (listed under untested: data.color changed)" {
		t.Errorf("untested: %s", have)
	}
	in.Plan = plan(t, `untested: [{kind: ConfigMap, name: setting}]`)
	wantText(t, buildError(t, in), "ConfigMap/settings-9g2mk7dctb: data.color changed")
}

func TestOnlyWhatIsAlteredIsCloned(t *testing.T) {
	env := using(web, "{configMapRef: {name: settings}}") + settings
	r := build(t, input(t, ``, env, "web:v1", "web:v2", "metadata: {name: settings}", "metadata: {name: settings, labels: {v: b}}"))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate" {
		t.Errorf("objects: %s", have)
	}
	wantAt(t, r.Objects[0], "spec.template.spec.containers.0.envFrom.0.configMapRef.name", "settings")
}

func TestAddedDependencyIsCloned(t *testing.T) {
	env := using(web, "{configMapRef: {name: settings}}")
	r := build(t, input(t, ``, web, web, env+settings))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/web-candidate ConfigMap/settings-candidate" {
		t.Errorf("objects: %s", have)
	}
	if len(r.Before) != 1 || len(r.After) != 2 {
		t.Errorf("before %v, after %v", names(r.Before), names(r.After))
	}
}

func TestUnusedClone(t *testing.T) {
	env := using(web, "{configMapRef: {name: settings}}") + settings
	in := input(t, `
candidate:
  patches:
  - target: {kind: Deployment}
    patch: '[{op: remove, path: /spec/template/spec/containers/0/envFrom}]'
`, env, "red", "blue")
	wantText(t, buildError(t, in), "ConfigMap/settings: is cloned for the variant as settings-candidate, and nothing in the variant refers to it")
}

func TestUntestedServiceAccountIsShared(t *testing.T) {
	env := strings.Replace(web, "    spec:\n      containers", "    spec:\n      serviceAccountName: robot\n      containers", 1) + `
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
secrets: [{name: red}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot}
roleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}
subjects: [{kind: ServiceAccount, name: robot}]
`
	in := input(t, ``, env, "web:v1", "web:v2", "red", "blue")
	wantText(t, buildError(t, in), "ServiceAccount/robot: secrets[0].name changed; RoleBinding/robot uses it too")
	in.Plan = plan(t, `untested: [{kind: ServiceAccount, name: robot}]`)
	r := build(t, in)
	wantAt(t, r.Objects[0], "spec.template.spec.serviceAccountName", "robot")
	if len(r.Objects) != 1 {
		t.Errorf("objects: %v", names(r.Objects))
	}
}

func TestExplicitNamespace(t *testing.T) {
	env := using(web, "{configMapRef: {name: settings}}") + strings.Replace(settings, "name: settings", "name: settings, namespace: shop", 1)
	r := build(t, input(t, ``, env, "red", "blue"))
	wantAt(t, r.Objects[0], "spec.template.spec.containers.0.envFrom.0.configMapRef.name", "settings-candidate")
	wantAt(t, r.Objects[0], "metadata.namespace", nil)
	wantAt(t, r.Objects[1], "metadata.namespace", "shop")
}

func TestExplicitName(t *testing.T) {
	env := using(web, "{configMapRef: {name: settings}}") + settings + webService
	r := build(t, input(t, `candidate: {name: next}`, env, "red", "blue"))
	if have := strings.Join(names(r.Objects), " "); have != "Deployment/next ConfigMap/settings-candidate Service/web-candidate" {
		t.Errorf("objects: %s", have)
	}
}

// TestTheSameFaultIsNamed holds that of several faults the same one is told.
func TestTheSameFaultIsNamed(t *testing.T) {
	env := using(web, "{configMapRef: {name: settings}}, {secretRef: {name: settings}}") +
		"      volumes: [{configMap: [1], secret: [1]}]\n" + settings + strings.Replace(settings, "ConfigMap", "Secret", 1)
	first := buildError(t, input(t, ``, env, "red", "blue"))
	wantText(t, first, "volumes/configMap/name cannot follow")
	for range 20 {
		if again := buildError(t, input(t, ``, env, "red", "blue")); again != first {
			t.Fatalf("once:\n%s\nand once:\n%s", first, again)
		}
	}
}
