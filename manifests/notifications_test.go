package manifests_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/argoproj/notifications-engine/pkg/triggers"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// notification is what a template makes for each service, in the engine's form. The engine's
// own package of services does not compile with the golang.org/x/crypto that we ship.
type notification struct {
	Message string
	Email   struct{ Subject string }
	Slack   struct{ Attachments string }
	Webhook map[string]struct{ Method, Body string }
}

// notifications are our triggers, in Argo CD's own engine, and our templates.
func notifications(t *testing.T) (engine triggers.Service, templates map[string]string) {
	t.Helper()
	var configMap corev1.ConfigMap
	decode(t, build(t, "notifications"), resid.NewGvk("", "v1", "ConfigMap"), "argocd-notifications-cm", &configMap)
	conditions, templates := map[string][]triggers.Condition{}, map[string]string{}
	for key, text := range configMap.Data {
		if name, ok := strings.CutPrefix(key, "trigger."); ok {
			var list []triggers.Condition
			if err := yaml.UnmarshalStrict([]byte(text), &list); err != nil {
				t.Fatal(key, err)
			}
			conditions[name] = list
		} else if name, ok := strings.CutPrefix(key, "template."); ok {
			templates[name] = text
		} else {
			t.Errorf("%s is neither a trigger nor a template", key)
		}
	}
	engine, err := triggers.NewService(conditions)
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range conditions {
		for _, c := range list {
			if len(c.Send) != 1 || templates[c.Send[0]] == "" || c.OncePer == "" {
				t.Errorf("%s sends %q, once for each %q", name, c.Send, c.OncePer)
			}
		}
	}
	return engine, templates
}

// formatted is a template executed field by field, with the functions that the engine gives.
func formatted(t *testing.T, text string, app map[string]any) notification {
	t.Helper()
	var n notification
	if err := yaml.UnmarshalStrict([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	fill := func(text string) string {
		parsed, err := template.New("").Funcs(functions).Parse(text)
		var out strings.Builder
		if err == nil {
			err = parsed.Execute(&out, map[string]any{"app": app, "context": map[string]string{}, "serviceType": "slack", "recipient": "x"})
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	n.Message, n.Email.Subject, n.Slack.Attachments = fill(n.Message), fill(n.Email.Subject), fill(n.Slack.Attachments)
	for name, hook := range n.Webhook {
		hook.Body = fill(hook.Body)
		n.Webhook[name] = hook
	}
	return n
}

func application(outcome string) map[string]any {
	metadata := map[string]any{"name": "shop", "namespace": "argocd"}
	if outcome != "" {
		metadata["annotations"] = map[string]any{"assay.dev/outcome": outcome, "other": "x"}
	}
	return map[string]any{"metadata": metadata}
}

var names = []string{"on-assay-promoted", "on-assay-rejected", "on-assay-proposed", "on-assay-held", "on-assay-failed"}

// fires are the triggers that an annotation fires, and what it is once for.
func fires(t *testing.T, engine triggers.Service, outcome string) (fired []string, once string) {
	t.Helper()
	for _, name := range names {
		results, err := engine.Run(name, map[string]any{"app": application(outcome)})
		if err != nil {
			t.Fatal(name, err)
		}
		for _, r := range results {
			if r.Triggered {
				fired, once = append(fired, name), r.OncePer
			}
		}
	}
	return fired, once
}

func TestNotificationTriggers(t *testing.T) {
	t.Parallel()
	engine, _ := notifications(t)
	for outcome, want := range map[string][]string{
		"":   nil,
		"[]": nil,
		"{":  nil,
		`[{"directory":"prod","outcome":"promote"}]`:                                                 {"on-assay-promoted"},
		`[{"directory":"prod","outcome":"reject"}]`:                                                  {"on-assay-rejected"},
		`[{"directory":"prod","outcome":"promote","state":"open"}]`:                                  {"on-assay-proposed"},
		`[{"directory":"prod","outcome":"promote","state":"merged"}]`:                                {"on-assay-promoted"},
		`[{"directory":"prod","outcome":"hold"},{"directory":"x","outcome":"failed"}]`:               {"on-assay-held", "on-assay-failed"},
		`[{"directory":"prod","outcome":"superseded"},{"directory":"staging","outcome":"none"}]`:     nil,
		`[{"directory":"prod","outcome":"hold"},{"directory":"staging","outcome":"promote","id":1}]`: {"on-assay-promoted", "on-assay-held"},
	} {
		if got, _ := fires(t, engine, outcome); !slices.Equal(got, want) {
			t.Errorf("%s fires %q, want %q", outcome, got, want)
		}
	}
	_, before := fires(t, engine, `[{"directory":"prod","outcome":"promote","id":"e1"}]`)
	_, beside := fires(t, engine, `[{"directory":"prod","outcome":"promote","id":"e1"},{"directory":"staging","outcome":"superseded"}]`)
	_, next := fires(t, engine, `[{"directory":"prod","outcome":"promote","id":"e2"}]`)
	if before == "" || before != beside || before == next {
		t.Errorf("one promotion is %q, beside another outcome %q, the next %q", before, beside, next)
	}
}

// TestNotificationTemplates renders every template with texts that try to break out of it.
func TestNotificationTemplates(t *testing.T) {
	t.Parallel()
	_, templates := notifications(t)
	const hostile = "\"}],\"x\":[{{ .app }} <!channel> <https://evil.example|click> & \\ \u2028\n\t'"
	for _, name := range names {
		called := strings.TrimPrefix(name, "on-")
		for _, outcome := range []string{"promote", "reject", "hold", "failed"} {
			for _, state := range []string{"", "open"} {
				annotation, err := json.Marshal([]map[string]string{{
					"directory": hostile, "outcome": outcome, "state": state, "candidate": hostile, "id": "e123456789", "reason": hostile, "pullRequest": hostile,
				}, {"directory": "bare", "outcome": outcome, "state": state}})
				if err != nil {
					t.Fatal(err)
				}
				checkNotification(t, called, formatted(t, templates[called], application(string(annotation))), hostile, string(annotation))
			}
		}
	}
}

func checkNotification(t *testing.T, called string, n notification, hostile, annotation string) {
	t.Helper()
	for _, text := range []string{n.Message, n.Slack.Attachments} {
		if strings.Contains(text, "<!channel>") || strings.Contains(text, "<https://") {
			t.Errorf("%s: Slack would obey %s", called, text)
		}
	}
	if strings.Contains(n.Message, "<no value>") || strings.ContainsAny(n.Email.Subject, "\n<") || n.Email.Subject == "" {
		t.Errorf("%s: it says %q, %q", called, n.Email.Subject, n.Message)
	}
	var attachments []struct{ Title, Text, Color string }
	if err := json.Unmarshal([]byte(n.Slack.Attachments), &attachments); err != nil {
		t.Errorf("%s: Slack gets %s: %v", called, n.Slack.Attachments, err)
	}
	if about := strings.Contains(n.Message, "bare: candidate without a name"); about != (len(attachments) == 2) || about != (len(attachments) > 0 && attachments[0].Title == "shop") {
		t.Errorf("%s: the message is %q, and Slack gets %+v", called, n.Message, attachments)
	}
	var body struct {
		Trigger, Application, Namespace string
		Outcomes                        json.RawMessage
	}
	d := json.NewDecoder(strings.NewReader(n.Webhook["assay"].Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || d.More() {
		t.Fatalf("%s: the webhook gets %s: %v", called, n.Webhook["assay"].Body, err)
	}
	var sent, told []map[string]string
	if json.Unmarshal(body.Outcomes, &sent) != nil || json.Unmarshal([]byte(annotation), &told) != nil || len(sent) != 2 || sent[0]["reason"] != hostile || sent[0]["reason"] != told[0]["reason"] {
		t.Errorf("%s: the webhook gets %s", called, body.Outcomes)
	}
	if body.Application != "shop" || body.Namespace != "argocd" || "assay-"+body.Trigger != called || n.Webhook["assay"].Method != "POST" {
		t.Errorf("%s: the webhook gets %+v", called, body)
	}
}
