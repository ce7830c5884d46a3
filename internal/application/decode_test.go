package application

import (
	"fmt"
	"strings"
	"testing"
)

// sentBy is one with a source and a status, as a server sends it.
func sentBy(name, plugin string, status string) []byte {
	return fmt.Appendf(nil, `{"apiVersion":"argoproj.io/v1alpha1","kind":"Application","metadata":{"name":%q,"namespace":"argocd","uid":"u1","resourceVersion":"7"},`+
		`"spec":{"project":"default","destination":{"server":"https://far.example.com/","namespace":"web"},`+
		`"source":{"repoURL":"https://a/r","path":"p"%s}},"status":%s}`, name, plugin, status)
}

const ours = `,"plugin":{"name":"assay","parameters":[{"name":"n","string":"9007199254740993"}]}`

// TestOutline: what a watch keeps of an Application, and when it counts as another one.
func TestOutline(t *testing.T) {
	outline := func(data []byte) Deployed {
		t.Helper()
		d, err := Outline(data)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := outline(sentBy("shop", ours, `{"resources":[{"kind":"Job","name":"j"}],"sync":{"revision":"a"}}`))
	if len(d.Places) != 1 || d.Places[0].Target != (Target{Server: "https://far.example.com"}) || d.Version != "7" || d.UID != "u1" || d.Project != "default" || d.Manages != nil {
		t.Errorf("%+v", d)
	}
	if !strings.Contains(d.Places[0].Parameters, "9007199254740993") {
		t.Errorf("parameters %s", d.Places[0].Parameters)
	}
	if other := outline(sentBy("other", "", `{"resources":[{"kind":"Job","name":"j"}]}`)); other.Places != nil || other.State != 0 || other.Name.Name != "other" {
		t.Errorf("%+v", other)
	}
	for name, test := range map[string]struct {
		status string
		same   bool
	}{
		"the same":                   {`{"resources":[{"kind":"Job","name":"j"}],"sync":{"revision":"a"}}`, true},
		"looked at by Argo CD":       {`{"reconciledAt":"2026-01-01T00:00:00Z","health":{"status":"Healthy"},"resources":[{"kind":"Job","name":"j"}],"sync":{"revision":"a"}}`, true},
		"another commit":             {`{"resources":[{"kind":"Job","name":"j"}],"sync":{"revision":"b"}}`, false},
		"another object":             {`{"resources":[{"kind":"Job","name":"k"}],"sync":{"revision":"a"}}`, false},
		"an operation":               {`{"operationState":{"phase":"Running"},"resources":[{"kind":"Job","name":"j"}],"sync":{"revision":"a"}}`, false},
		"the same text of two parts": {`{"history":[{"kind":"Job","name":"j"}],"sync":{"revision":"a"}}`, false},
	} {
		if got := outline(sentBy("shop", ours, test.status)); (got.State == d.State) != test.same {
			t.Errorf("%s: the same is %t", name, got.State == d.State)
		}
	}
	if _, err := Outline([]byte(`{"metadata": `)); err == nil {
		t.Error("what is cut off must be an error")
	}
}

// TestThousandSources: an Application may name many environments, not any number of them.
func TestThousandSources(t *testing.T) {
	with := func(n int) Deployed {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"repoURL":"https://a/r","path":"p%d","plugin":{"name":"assay"}}`, i))
		}
		d, err := Decode([]byte(`{"metadata":{"name":"shop","namespace":"argocd"},"spec":{"sources":[` + strings.Join(list, ",") + `]}}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := with(100); d.Excess != nil || len(d.Places) != 100 || d.Problems != nil {
		t.Errorf("100 sources: %v, %v", d.Excess, d.Problems)
	}
	d := with(1000)
	if d.Excess == nil || !strings.Contains(d.Excess.Error(), "Application argocd/shop: 1000 of its sources use the plugin, and at most 100 may: split it") || len(d.Places) != 1000 {
		t.Errorf("1000 sources: %v", d.Excess)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sentBy("shop", ours, `{"history":[{"revision":"a"}],"operationState":{"phase":"Running","startedAt":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, err := Decode(data)
		brief, other := Outline(data)
		if (err == nil) != (other == nil) || whole.State != brief.State || len(whole.Places) != len(brief.Places) {
			t.Errorf("decoded %+v, %v, outlined %+v, %v", whole, err, brief, other)
		}
	})
}
