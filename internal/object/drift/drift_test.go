package drift

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	apps "k8s.io/kubernetes/pkg/apis/apps/v1"
	autoscaling1 "k8s.io/kubernetes/pkg/apis/autoscaling/v1"
	autoscaling2 "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	batch "k8s.io/kubernetes/pkg/apis/batch/v1"
	core "k8s.io/kubernetes/pkg/apis/core/v1"
	networking "k8s.io/kubernetes/pkg/apis/networking/v1"
	policy "k8s.io/kubernetes/pkg/apis/policy/v1"
	rbac "k8s.io/kubernetes/pkg/apis/rbac/v1"
	"sigs.k8s.io/yaml"
)

// pods is the spec of a pod that leaves to the API server what it can.
const pods = `
      serviceAccountName: web
      initContainers:
      - {name: init, image: example.com/init@sha256:1111, resources: {limits: {cpu: 1, memory: 1024Mi}}}
      containers:
      - name: web
        image: example.com/web
        env: [{name: A, value: ""}, {name: B, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]
        ports: [{containerPort: 8080}, {containerPort: 9090, name: metrics}]
        livenessProbe: {httpGet: {port: 8080}}
        readinessProbe: {tcpSocket: {port: 8080}}
        startupProbe: {grpc: {port: 8080}}
        lifecycle: {preStop: {httpGet: {port: 8080, path: /stop}}}
        resources: {requests: {cpu: 0.5}}
        volumeMounts: [{name: config, mountPath: /config}, {name: secret, mountPath: /secret}]
      - {name: side, image: "example.com:5000/side:1.2", securityContext: {}}
      volumes:
      - {name: config, configMap: {name: web}}
      - {name: secret, secret: {secretName: web}}
      - {name: down, downwardAPI: {items: [{path: a, fieldRef: {fieldPath: metadata.name}}]}}
      - {name: all, projected: {sources: [{serviceAccountToken: {path: t}}]}}
      - {name: none}
      - {name: host, hostPath: {path: /x}}
      - {name: scratch, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}}}}
`

const workload = `
metadata: {name: web, labels: {app: web}, annotations: {a: b}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, creationTimestamp: null}
    spec:` + pods

var rendered = map[string]string{
	"Deployment":  "apiVersion: apps/v1\nkind: Deployment" + workload,
	"DaemonSet":   "apiVersion: apps/v1\nkind: DaemonSet" + workload,
	"StatefulSet": "apiVersion: apps/v1\nkind: StatefulSet" + workload + "  serviceName: web\n  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}]\n",
	"Job": `
apiVersion: batch/v1
kind: Job
metadata: {name: check}
spec:
  template:
    spec:
      restartPolicy: Never` + pods,
	"a Deployment with a strategy": "apiVersion: apps/v1\nkind: Deployment" + workload + "  strategy: {rollingUpdate: {maxSurge: 2}}\n  replicas: 3\n",
	"one that is recreated":        "apiVersion: apps/v1\nkind: Deployment" + workload + "  strategy: {type: Recreate}\n",
	"Service":                      "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}, {name: m, port: 90, targetPort: metrics}]}\n",
	"ConfigMap":                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b, empty: ''}\n",
	"ServiceAccount":               "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n",
	"NetworkPolicy":                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web}\nspec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}\n",
	"CronJob": `
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "@daily"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never` + strings.ReplaceAll(pods, "\n", "\n    "),
	"ReplicaSet":              "apiVersion: apps/v1\nkind: ReplicaSet" + workload,
	"HorizontalPodAutoscaler": "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n",
	"one that goes down slowly": `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Pods, pods: {metric: {name: rate}, target: {type: AverageValue, averageValue: 1000m}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: 600}}
`,
	"one of the first version": "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n",
	"PodDisruptionBudget":      "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n",
	"PersistentVolumeClaim":    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: web}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}, dataSource: {kind: PersistentVolumeClaim, name: old}}\n",
	"Ingress":                  "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n",
	"Role":                     "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: web}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n",
	"RoleBinding":              "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web}\nroleRef: {kind: Role, name: web}\nsubjects: [{kind: ServiceAccount, name: web}, {kind: User, name: kim}]\n",
	"a policy of both ways":    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: web}\nspec: {podSelector: {matchLabels: {app: web}}, egress: [{}]}\n",
}

// parse reads an object as Git renders it.
func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = o.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// served is what Kubernetes' own code makes of an object, with what else a cluster writes.
func served(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		apps.AddToScheme, autoscaling1.AddToScheme, autoscaling2.AddToScheme, batch.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme, rbac.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	typed, err := scheme.New(o.GroupVersionKind())
	if err != nil {
		t.Fatal(err)
	}
	data, err := o.MarshalJSON()
	if err == nil {
		err = yaml.UnmarshalStrict(data, typed)
	}
	if err != nil {
		t.Fatal(err)
	}
	scheme.Default(typed)
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		t.Fatal(err)
	}
	live := &unstructured.Unstructured{Object: fields}
	live.SetUID(types.UID("1"))
	live.SetResourceVersion("5")
	live.SetNamespace("web")
	live.SetAnnotations(merged(live.GetAnnotations(), "deployment.kubernetes.io/revision", "1"))
	live.SetLabels(merged(live.GetLabels(), "app.kubernetes.io/instance", "shop"))
	switch live.GetKind() {
	case "Job":
		put(t, live, map[string]any{"matchLabels": map[string]any{"batch.kubernetes.io/controller-uid": "1"}}, "spec", "selector")
		put(t, live, map[string]any{"batch.kubernetes.io/controller-uid": "1", "job-name": "check"}, "spec", "template", "metadata", "labels")
	case "Service":
		put(t, live, "10.0.0.1", "spec", "clusterIP")
		put(t, live, []any{"10.0.0.1"}, "spec", "clusterIPs")
		put(t, live, []any{"IPv4"}, "spec", "ipFamilies")
		put(t, live, "SingleStack", "spec", "ipFamilyPolicy")
	case "PersistentVolumeClaim":
		put(t, live, "pvc-1", "spec", "volumeName")
		put(t, live, "standard", "spec", "storageClassName")
		put(t, live, map[string]any{"kind": "PersistentVolumeClaim", "name": "old"}, "spec", "dataSourceRef")
	case "Ingress":
		put(t, live, "nginx", "spec", "ingressClassName")
	}
	return live
}

func merged(into map[string]string, key, value string) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	into[key] = value
	return into
}

func put(t *testing.T, o *unstructured.Unstructured, value any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
		t.Fatal(err)
	}
}

// container is one of the pod's, to be changed.
func container(t *testing.T, o *unstructured.Unstructured, n int) map[string]any {
	t.Helper()
	list, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "template", "spec", "containers")
	return item(t, list, n)
}

// item is one mapping of a list, to be changed.
func item(t *testing.T, list any, n int) map[string]any {
	t.Helper()
	items, _ := list.([]any)
	if len(items) <= n {
		t.Fatalf("there is no item %d in %v", n, list)
	}
	fields, ok := items[n].(map[string]any)
	if !ok {
		t.Fatalf("item %d is %v", n, items[n])
	}
	return fields
}

// TestDefaultsOfKubernetes holds our table against Kubernetes' own code.
func TestDefaultsOfKubernetes(t *testing.T) {
	for name, text := range rendered {
		o := parse(t, text)
		for _, d := range of(t, o, served(t, o)) {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestOf(t *testing.T) {
	for name, test := range map[string]struct {
		kind   string
		change func(t *testing.T, live *unstructured.Unstructured)
		want   string // the one difference
	}{
		"an image": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			container(t, o, 1)["image"] = "example.com:5000/side:1.3"
		}, "Deployment/web/web: spec.template.spec.containers[side].image is example.com:5000/side:1.3 in the cluster, and Git renders example.com:5000/side:1.2"},
		"a variable": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			container(t, o, 1)["env"] = []any{map[string]any{"name": "X", "value": "1"}}
		}, "spec.template.spec.containers[side].env is a list of 1 in the cluster, and Git does not render it"},
		"one variable more": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			c := container(t, o, 0)
			env, _ := c["env"].([]any)
			c["env"] = append(env, map[string]any{"name": "X", "value": "1"})
		}, "spec.template.spec.containers[web].env[X] is a mapping in the cluster, and Git does not render it"},
		"its value": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			item(t, container(t, o, 0)["env"], 0)["value"] = "x"
		}, "spec.template.spec.containers[web].env[A].value is x in the cluster"},
		"a sidecar": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			list, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
			put(t, o, append(list, map[string]any{"name": "proxy"}), "spec", "template", "spec", "containers")
		}, "spec.template.spec.containers[proxy] is a mapping in the cluster, and Git does not render it"},
		"replicas":          {"Deployment", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, int64(2), "spec", "replicas") }, "spec.replicas is 2 in the cluster, and Git does not render it"},
		"rendered replicas": {"a Deployment with a strategy", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, int64(0), "spec", "replicas") }, "spec.replicas is 0 in the cluster, and Git renders 3"},
		"resources": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			container(t, o, 0)["resources"] = map[string]any{"requests": map[string]any{"cpu": "2"}}
		}, "spec.template.spec.containers[web].resources.requests.cpu is 2 in the cluster, and Git renders 0.5"},
		"a policy of images": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) { container(t, o, 1)["imagePullPolicy"] = "Always" }, "spec.template.spec.containers[side].imagePullPolicy is Always in the cluster"},
		"a label of pods": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, "x", "spec", "template", "metadata", "labels", "version")
		}, "spec.template.metadata.labels.version is x in the cluster"},
		"its own label": {"Deployment", func(_ *testing.T, o *unstructured.Unstructured) { o.SetLabels(map[string]string{"app": "other"}) }, ""},
		"a node": {"StatefulSet", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, "fast", "spec", "template", "spec", "nodeSelector", "disk")
		}, "spec.template.spec.nodeSelector is a mapping in the cluster"},
		"a security context": {"DaemonSet", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, int64(0), "spec", "template", "spec", "securityContext", "runAsUser")
		}, "spec.template.spec.securityContext.runAsUser is 0 in the cluster"},
		"data":              {"ConfigMap", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "c", "data", "more") }, "ConfigMap/web/web: data.more is c in the cluster, and Git does not render it"},
		"data that is gone": {"ConfigMap", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, map[string]any{"empty": ""}, "data") }, "data.a is not in the cluster, and Git renders b"},
		"a selector":        {"Service", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "other", "spec", "selector", "app") }, "spec.selector.app is other in the cluster, and Git renders web"},
		"a port":            {"Service", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "LoadBalancer", "spec", "type") }, "spec.type is LoadBalancer in the cluster"},
		"tries of a Job":    {"Job", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, int64(9), "spec", "backoffLimit") }, "spec.backoffLimit is 9 in the cluster"},
		"a lower bound":     {"HorizontalPodAutoscaler", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, int64(2), "spec", "minReplicas") }, "spec.minReplicas is 2 in the cluster, and Git does not render it"},
		"a behavior": {"HorizontalPodAutoscaler", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, "Disabled", "spec", "behavior", "scaleDown", "selectPolicy")
		}, "spec.behavior is a mapping in the cluster, and Git does not render it"},
		"half of a behavior": {"one that goes down slowly", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, "Disabled", "spec", "behavior", "scaleUp", "selectPolicy")
		}, "spec.behavior.scaleUp.selectPolicy is Disabled in the cluster, and Git does not render it"},
		"what is measured": {"HorizontalPodAutoscaler", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, []any{map[string]any{"type": "Resource"}}, "spec", "metrics")
		}, "spec.metrics is a list of 1 in the cluster, and Git does not render it"},
		"a suspension": {"CronJob", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, true, "spec", "suspend") }, "spec.suspend is true in the cluster, and Git does not render it"},
		"a variable of a CronJob": {"CronJob", func(t *testing.T, o *unstructured.Unstructured) {
			list, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "jobTemplate", "spec", "template", "spec", "containers")
			item(t, list, 1)["env"] = []any{map[string]any{"name": "X", "value": "1"}}
		}, "spec.jobTemplate.spec.template.spec.containers[side].env is a list of 1 in the cluster"},
		"a budget": {"PodDisruptionBudget", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, "AlwaysAllow", "spec", "unhealthyPodEvictionPolicy")
		}, "spec.unhealthyPodEvictionPolicy is AlwaysAllow in the cluster"},
		"a mode": {"PersistentVolumeClaim", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, "Block", "spec", "volumeMode") }, "spec.volumeMode is Block in the cluster"},
		"a host": {"Ingress", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, []any{map[string]any{"hosts": []any{"b.example"}}}, "spec", "tls")
		}, "spec.tls is a list of 1 in the cluster"},
		"a verb": {"Role", func(t *testing.T, o *unstructured.Unstructured) {
			item(t, o.Object["rules"], 0)["verbs"] = []any{"get", "list"}
		}, "rules[0].verbs[1] is list in the cluster"},
		"a subject": {"RoleBinding", func(t *testing.T, o *unstructured.Unstructured) {
			item(t, o.Object["subjects"], 0)["apiGroup"] = "rbac.authorization.k8s.io"
		}, "subjects[web].apiGroup is rbac.authorization.k8s.io in the cluster"},
		"a restart": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) {
			put(t, o, map[string]any{"kubectl.kubernetes.io/restartedAt": "now"}, "spec", "template", "metadata", "annotations")
		}, ""},
		"the status": {"Deployment", func(t *testing.T, o *unstructured.Unstructured) { put(t, o, int64(1), "status", "readyReplicas") }, ""},
	} {
		o := parse(t, rendered[test.kind])
		live := served(t, o)
		test.change(t, live)
		found := of(t, o, live)
		switch {
		case test.want == "" && len(found) > 0:
			t.Errorf("%s: %s", name, found)
		case test.want != "" && (len(found) != 1 || !strings.Contains(found[0].String(), test.want)):
			t.Errorf("%s: %s, want %s", name, found, test.want)
		}
	}
}

// of compares by rules alone.
func of(t *testing.T, rendered, live *unstructured.Unstructured, rules ...Ignore) []Difference {
	t.Helper()
	found, err := Of(t.Context(), rendered, live, Rules{Ignore: rules})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// FuzzOf: no object of a cluster breaks it, an object differs from itself in nothing, and a rule about others
// hides nothing.
func FuzzOf(f *testing.F) {
	for _, text := range rendered {
		f.Add(text, text, "/spec/replicas", ".spec.template.spec.containers[].image")
	}
	f.Add("apiVersion: v1\nkind: ConfigMap\nmetadata: 5\ndata: [1, {name: null}]", "apiVersion: v1\nkind: ConfigMap\ndata: {a: [{name: x}, 3]}", "/data/0", ".. | .name?")
	f.Add("kind: ConfigMap\ndata: {a: b}", "kind: ConfigMap\ndata: {a: c}\nmetadata: {managedFields: [{manager: hpa, fieldsType: FieldsV1, fieldsV1: {'f:data': {'f:a': {}, 'k:{\"name\":1}': {'.': {}}}}}]}", "", ".")
	f.Fuzz(func(t *testing.T, a, b, pointer, expression string) {
		var objs []*unstructured.Unstructured
		for _, text := range []string{a, b} {
			data, err := yaml.YAMLToJSON([]byte(text))
			fields := map[string]any{}
			if err != nil || utiljson.Unmarshal(data, &fields) != nil {
				return
			}
			objs = append(objs, &unstructured.Unstructured{Object: fields})
		}
		rule := Ignore{Group: "*", Kind: "*", Pointers: []string{pointer}, Expressions: []string{expression}, Managers: []string{"hpa"}}
		_, _ = Of(t.Context(), objs[0], objs[1], Rules{Ignore: []Ignore{rule}})
		if found, err := Of(t.Context(), objs[0], objs[0], Rules{}); err != nil || len(found) > 0 {
			t.Errorf("it differs from itself: %s, %v", found, err)
		}
		rule.Name = objs[1].GetName() + "-other"
		with, err := Of(t.Context(), objs[0], objs[1], Rules{Ignore: []Ignore{rule}})
		without, bad := Of(t.Context(), objs[0], objs[1], Rules{})
		if !slices.Equal(with, without) || err != nil || bad != nil {
			t.Errorf("a rule about another object: %s, without it %s: %v, %v", with, without, err, bad)
		}
	})
}
