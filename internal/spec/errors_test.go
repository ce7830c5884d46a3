package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assaydev/assay/internal/spec"
)

func TestPlanErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown field", "spec:\n  candidat: {}\n", `assay.yaml:4: spec.candidat: unknown field; did you mean candidate?`},
		{"unknown field in a list", "spec:\n  targets:\n  - kind: Deployment\n    name: web\n    namspace: x\n", `assay.yaml:7: spec.targets[0].namspace: unknown field; did you mean namespace?`},
		{"unknown field of Kustomize", "spec:\n  candidate:\n    patches:\n    - target: {knd: Deployment}\n      patch: x\n", `assay.yaml:6: spec.candidate.patches[0].target.knd: unknown field; did you mean kind?`},
		{"nothing near", "spec:\n  directory: {zzzzzzz: 1}\n", `assay.yaml:4: spec.directory.zzzzzzz: unknown field; known are recurse, include, exclude`},
		{"odd field", "spec:\n  \"a.b\\n\": 1\n", `assay.yaml:4: spec["a.b\n"]: unknown field`},
		{"set twice", "spec:\n  queue: every\n  promotion: {}\n  queue: latest\n", `assay.yaml:6: spec.queue: is set twice, first on line 4: remove one`},
		{"not a mapping", "spec:\n- a\n", `assay.yaml:4: spec: must be a mapping, and is a list`},
		{"not a list", "spec:\n  targets: Deployment/web\n", `assay.yaml:4: spec.targets: must be a list, and is text`},
		{"not text", "spec:\n  candidate:\n    labels:\n      version: 2\n", `assay.yaml:6: spec.candidate.labels.version: must be text, and is a whole number: quote it`},
		{"not a boolean", "spec:\n  promotion:\n    paused: yes\n", `assay.yaml:5: spec.promotion.paused: must be true or false, and is text`},
		{"not a number", "spec:\n  candidate:\n    replicas: two\n", `assay.yaml:5: spec.candidate.replicas: must be a whole number, and is text`},
		{"not whole", "spec:\n  candidate:\n    replicas: 1.5\n", `assay.yaml:5: spec.candidate.replicas: must be a whole number, and is a number`},
		{"too large", "spec:\n  candidate:\n    replicas: 99999999999999999999\n", `assay.yaml:5: spec.candidate.replicas: `},
		{"below zero", "spec:\n  candidate:\n    replicas: -1\n", `assay.yaml:5: spec.candidate.replicas: must be 0 or more`},
		{"mode", "spec:\n  candidate:\n    mode: clon\n", `assay.yaml:5: spec.candidate.mode: must be one of clone, none, inPlace, native; did you mean clone`},
		{"traffic", "spec:\n  candidate:\n    traffic: all\n", `assay.yaml:5: spec.candidate.traffic: must be one of isolated, shared`},
		{"method", "spec:\n  promotion: {method: pr}\n", `assay.yaml:4: spec.promotion.method: must be one of pull-request, push`},
		{"reject", "spec:\n  promotion: {reject: pul-request}\n", `assay.yaml:4: spec.promotion.reject: must be one of push, pull-request; did you mean pull-request?`},
		{"merge", "spec:\n  promotion: {merge: always}\n", `assay.yaml:4: spec.promotion.merge: must be one of manual, auto`},
		{"queue", "spec:\n  queue: \"\"\n", `assay.yaml:4: spec.queue: must be one of preempt, latest, every`},
		{"deadline", "spec:\n  experiment: {deadline: 1d}\n", `assay.yaml:4: spec.experiment.deadline: must be a duration, as in 90s, 30m or 24h, or 0 for none`},
		{"negative deadline", "spec:\n  experiment: {deadline: -1s}\n", `assay.yaml:4: spec.experiment.deadline: must be a duration`},
		{"number", "spec:\n  experiment: {deadline: 30}\n", `assay.yaml:4: spec.experiment.deadline: must be text, and is a whole number: quote it`},
		{"name and suffix", "spec:\n  candidate:\n    name: a\n    nameSuffix: -b\n", `assay.yaml:5: spec.candidate.name: excludes nameSuffix: keep one of them`},
		{"name for two", "spec:\n  targets: [{kind: A, name: a}, {kind: A, name: b}]\n  candidate: {name: x}\n", `assay.yaml:5: spec.candidate.name: names one object, and there are 2 targets: use nameSuffix`},
		{"bad name", "spec:\n  candidate: {name: A_b}\n", `assay.yaml:4: spec.candidate.name: must be an object's name`},
		{"bad suffix", "spec:\n  candidate: {nameSuffix: _x}\n", `assay.yaml:4: spec.candidate.nameSuffix: must be at most 63 lower-case`},
		{"bad label value", "spec:\n  candidate:\n    labels:\n      a.b/c: x y\n", `assay.yaml:6: spec.candidate.labels["a.b/c"]: is not a valid label value`},
		{"bad label name", "spec:\n  candidate:\n    labels: {a b: x}\n", `assay.yaml:5: spec.candidate.labels["a b"]: is not a valid label name`},
		{"empty label", "spec:\n  candidate:\n    labels: {a: }\n", `assay.yaml:5: spec.candidate.labels.a: is empty: set it, or remove the key`},
		{"delimiters", "spec:\n  experiment: {delimiters: [\"[[\"]}\n", `assay.yaml:4: spec.experiment.delimiters: must be two strings`},
		{"empty delimiter", "spec:\n  experiment: {delimiters: [\"[[\", \"\"]}\n", `assay.yaml:4: spec.experiment.delimiters: must be two strings`},
		{"empty resource", "spec:\n  experiment: {resources: [\"\"]}\n", `assay.yaml:4: spec.experiment.resources[0]: is empty`},
		{"two layouts", "spec:\n  helm: {releaseName: a}\n  directory: {recurse: true}\n", `assay.yaml:5: spec.directory: an environment has one layout, and the plan sets helm and directory: keep one`},
		{"target without name", "spec:\n  targets:\n  - kind: Deployment\n", `assay.yaml:5: spec.targets[0].name: is missing: add it`},
		{"target with empty name", "spec:\n  targets:\n  - kind: Deployment\n    name: \"\"\n", `assay.yaml:6: spec.targets[0].name: must not be empty`},
		{"empty item", "spec:\n  routing:\n  -\n", `spec.routing[0]: is empty: set it, or remove the item`},
		{"destination", "spec:\n  promotion:\n    to: [{repo: x}]\n", `assay.yaml:5: spec.promotion.to[0].path: is missing: add it`},
		{"destination's password", "spec:\n  promotion:\n    to:\n    - path: x\n      repo: https://ci:hunter2@example.com/a/b\n", `assay.yaml:7: spec.promotion.to[0].repo: holds a user, which may be a token: leave it out`},
		{"destination's token", "spec:\n  promotion:\n    to: [{path: x, repo: 'https://hunter2@example.com/a/b'}]\n", `assay.yaml:5: spec.promotion.to[0].repo: holds a user`},
		{"destination's ssh password", "spec:\n  promotion:\n    to: [{path: x, repo: 'ssh://git:hunter2@example.com/a/b'}]\n", `assay.yaml:5: spec.promotion.to[0].repo: holds a password`},
		{"destination's URL", "spec:\n  promotion:\n    to: [{path: x, repo: 'https://ci:hunter2@example.com:port/a/b'}]\n", `assay.yaml:5: spec.promotion.to[0].repo: is not a URL`},
		{"destination's lines", "spec:\n  promotion:\n    to: [{path: x, repo: \"a\\nb\"}]\n", `assay.yaml:5: spec.promotion.to[0].repo: must be one line`},
		{"destination's name", "spec:\n  promotion:\n    to: [{path: x, environment: A/B}]\n", `assay.yaml:5: spec.promotion.to[0].environment: name environment A/B: use`},
		{"window without a schedule", "spec:\n  promotion:\n    windows:\n    - duration: 8h\n", `assay.yaml:6: spec.promotion.windows[0].schedule: is missing: add it`},
		{"window without a duration", "spec:\n  promotion:\n    windows: [{schedule: 0 9 * * *}]\n", `assay.yaml:5: spec.promotion.windows[0].duration: is missing: add it`},
		{"window's field", "spec:\n  promotion:\n    windows: [{scedule: 0 9 * * *, duration: 8h}]\n", `assay.yaml:5: spec.promotion.windows[0].scedule: unknown field; did you mean schedule?`},
		{"window's kind", "spec:\n  promotion:\n    windows: [{kind: denny, schedule: 0 9 * * *, duration: 8h}]\n", `assay.yaml:5: spec.promotion.windows[0].kind: must be one of allow, deny; did you mean deny?`},
		{"window's schedule", "spec:\n  promotion:\n    windows:\n    - schedule: 0 9 * *\n      duration: 8h\n", `assay.yaml:6: spec.promotion.windows[0].schedule: 0 9 * * is not in cron's format`},
		{"window's zone in the schedule", "spec:\n  promotion:\n    windows: [{schedule: TZ=UTC, duration: 8h}]\n", `assay.yaml:5: spec.promotion.windows[0].schedule: names a time zone: put it in timeZone`},
		{"window's long schedule", "spec:\n  promotion:\n    windows: [{duration: 8h, schedule: '" + strings.Repeat("1,", 100) + "1 * * * *'}]\n", `assay.yaml:5: spec.promotion.windows[0].schedule: is longer than 200 bytes`},
		{"window's duration", "spec:\n  promotion:\n    windows: [{schedule: 0 9 * * *, duration: 1d}]\n", `assay.yaml:5: spec.promotion.windows[0].duration: must be a duration, as in 30m or 8h, and is 1d`},
		{"short window", "spec:\n  promotion:\n    windows: [{schedule: 0 9 * * *, duration: 59s}]\n", `assay.yaml:5: spec.promotion.windows[0].duration: must be at least 1m and at most 8784h, and is 59s`},
		{"long window", "spec:\n  promotion:\n    windows: [{schedule: 0 9 * * *, duration: 8785h}]\n", `assay.yaml:5: spec.promotion.windows[0].duration: must be at least 1m and at most 8784h`},
		{"window's zone", "spec:\n  promotion:\n    windows: [{schedule: 0 9 * * *, duration: 8h, timeZone: Europe/Berln}]\n", `assay.yaml:5: spec.promotion.windows[0].timeZone: Europe/Berln is not a time zone`},
		{"too many windows", "spec:\n  promotion:\n    windows: [" + strings.Repeat("{schedule: 0 9 * * *, duration: 8h},", 51) + "]\n", `assay.yaml:5: spec.promotion.windows: has 51 items, and at most 50 are read: join some`},
		{"title", "spec:\n  promotion: {title: \"a\\nb\"}\n", `assay.yaml:4: spec.promotion.title: must be one line`},
		{"name of two lines", "metadata: {name: \"a\\nb\"}\n", `assay.yaml:3: metadata.name: must be one line`},
		{"image keys", "spec:\n  helm:\n    imageValues:\n      web: {}\n", `assay.yaml:6: spec.helm.imageValues.web: is empty: name the value keys`},
		{"image key and others", "spec:\n  helm:\n    imageValues:\n      web: {image: a, tag: b}\n", `assay.yaml:6: spec.helm.imageValues.web.image: holds the whole reference`},
		{"patch", "spec:\n  kustomize:\n    patches:\n    - target: {kind: A}\n", `assay.yaml:6: spec.kustomize.patches[0]: is empty: set patch or path`},
		{"patch and path", "spec:\n  kustomize:\n    patches: [{patch: a, path: b}]\n", `assay.yaml:5: spec.kustomize.patches[0]: has both patch and path: keep one`},
		{"replica", "spec:\n  kustomize:\n    replicas: [{name: web}]\n", `assay.yaml:5: spec.kustomize.replicas[0].count: is missing: add it`},
		{"parameter that is not JSON", "spec:\n  experiment:\n    parameters: {a: .inf}\n", `assay.yaml:5: spec.experiment.parameters.a: is a number that JSON cannot hold`},
		{"parameter of old YAML", "spec:\n  experiment:\n    parameters:\n      a: [on]\n", `assay.yaml:6: spec.experiment.parameters.a[0]: on is a boolean to some tools and text to others: write true or false, or quote it`},
		{"binary parameter", "spec:\n  experiment:\n    parameters: {a: !!binary aGk=}\n", `assay.yaml:5: spec.experiment.parameters.a: is binary: write it as text`},
		{"tag", "spec: !mine {}\n", `assay.yaml:3: spec: must be a mapping, and is of a tag that is not known`},
		{"key that is not text", "spec:\n  experiment:\n    parameters: {1: a}\n", `assay.yaml:5: spec.experiment.parameters: a key must be text, and is a whole number: quote it`},
		{"list as a key", "spec:\n  ? [a]\n  : b\n", `assay.yaml:4: spec: a key must be text, and is a list: quote it`},
		{"merge key", "spec:\n  experiment: &e {deadline: 1h}\n  promotion:\n    <<: *e\n", `assay.yaml:6: spec.promotion: merge keys (<<) are not read here: write the fields out`},
		{"alias in its own anchor", "spec: &a\n  experiment:\n    parameters:\n      a: *a\n", `assay.yaml:6: an alias stands inside its own anchor: write the value out`},
		{"tab", "spec:\n\tqueue: every\n", `assay.yaml:4: a tab indents this line: use spaces`},
		{"syntax", "spec:\n  a: b: c\n", `assay.yaml:4: the YAML is not valid: mapping values are not allowed`},
		{"UTF-8", "spec:\n  queue: \"\xff\"\n", `assay.yaml:4: the text is not valid UTF-8: save the file as UTF-8`},
		{"two documents", "---\n" + planHead, `assay.yaml:4: document 2: a plan is one document: remove this one`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := spec.DecodePlan("env/assay.yaml", []byte(planHead+tt.text))
			if err == nil {
				t.Fatalf("decoded as %+v", p)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "env/assay.yaml:") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds a password: %v", err)
			}
		})
	}
}

func TestCandidateErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no spec", "", `candidate.yaml:1: spec: is missing: add it`},
		{"empty spec", "spec:\n", `candidate.yaml:3: spec: is missing: add it`},
		{"no change", "spec: {images: [], diff: \" \"}\n", `candidate.yaml:3: spec: it changes nothing: set at least one of images, values, patches, diff`},
		{"unknown field", "spec:\n  image: []\n", `candidate.yaml:4: spec.image: unknown field; did you mean images?`},
		{"unknown image field", "spec:\n  images:\n  - name: a\n    newtag: v1\n", `candidate.yaml:6: spec.images[0].newtag: unknown field; did you mean newTag?`},
		{"number as a tag", "spec:\n  images: [{name: a, newTag: 1.10}]\n", `candidate.yaml:4: spec.images[0].newTag: must be text, and is a number: quote it`},
		{"image without change", "spec:\n  images:\n  - name: a\n", `candidate.yaml:5: spec.images[0]: changes nothing: set newName, newTag or digest`},
		{"image without name", "spec:\n  images: [{newTag: a}]\n", `candidate.yaml:4: spec.images[0].name: is missing: name the image that changes`},
		{"image with a tag", "spec:\n  images: [{name: \"a:v1\", newTag: v2}]\n", `candidate.yaml:4: spec.images[0].name: must be an image's name without tag and digest`},
		{"image as an expression", "spec:\n  images: [{name: \"a(\", newTag: v2}]\n", `candidate.yaml:4: spec.images[0].name: must be an image's name`},
		{"new name with a tag", "spec:\n  images: [{name: a, newName: \"b:v1\"}]\n", `candidate.yaml:4: spec.images[0].newName: must be an image's name`},
		{"bad tag", "spec:\n  images: [{name: a, newTag: a b}]\n", `candidate.yaml:4: spec.images[0].newTag: must be a tag`},
		{"bad digest", "spec:\n  images: [{name: a, digest: abc}]\n", `candidate.yaml:4: spec.images[0].digest: must be sha256: and 64 hex digits`},
		{"tag suffix", "spec:\n  images: [{name: a, tagSuffix: -x}]\n", `candidate.yaml:4: spec.images[0].tagSuffix: is not known to a candidate`},
		{"image twice", "spec:\n  images: [{name: a, newTag: b}, {name: a, newTag: c}]\n", `candidate.yaml:4: spec.images[1].name: is named twice`},
		{"attempt", "spec:\n  diff: x\n  attempt: -1\n", `candidate.yaml:5: spec.attempt: must be 0 or more`},
		{"empty patch", "spec:\n  patches: [{}]\n", `candidate.yaml:4: spec.patches[0]: is empty: set patch or path`},
		{"value set twice", "spec:\n  values:\n    a:\n      b: 1\n      b: 2\n", `candidate.yaml:7: spec.values.a.b: is set twice, first on line 6: remove one`},
		{"second document", "spec: {diff: x}\n---\n" + candidateHead + "spec: {dif: x}\n", `candidate.yaml:7: document 2: spec.dif: unknown field; did you mean diff?`},
		{"foreign second document", "spec: {diff: x}\n---\napiVersion: v1\nkind: Pod\n", `candidate.yaml:5: document 2: this document is not a Candidate: move it to a file of its own`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := spec.DecodeCandidates("env/candidate.yaml", []byte(candidateHead+tt.text))
			if err == nil {
				t.Fatalf("decoded as %+v", c)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "env/candidate.yaml:") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestWrongKinds(t *testing.T) {
	for text, want := range map[string]string{
		candidateHead + "spec: {diff: x}\n":                 "assay.yaml:1: kind: this is a Candidate, and the file's name is that of a Plan: move it to a file called candidate.yaml",
		"apiVersion: assay.dev/v1alpha1\nkind: Pln\n":       "assay.yaml:2: kind: must be Plan",
		"apiVersion: assay.dev/v1alpha1\n":                  "assay.yaml:1: kind: is missing: add it",
		"apiVersion: assay.dev/v1\nkind: Plan\n":            "assay.yaml:1: apiVersion: must be assay.dev/v1alpha1",
		"kind: Plan\n":                                      "assay.yaml:1: apiVersion: is missing: add it",
		"apiVersion: v1\nkind: Pod\n---\n" + planHead:       "assay.yaml:4: document 2: a plan is one document: remove this one",
		planHead + "---\napiVersion: v1\nkind: ConfigMap\n": "assay.yaml:4: document 2: a plan is one document: remove this one",
		planHead + "spec: {queue: every\n":                  "assay.yaml",
		"# assay.dev/v1alpha1\n\xff":                        "assay.yaml:2: the text is not valid UTF-8",
		planHead + strings.Repeat("#", 4<<20):               "assay.yaml: it has 4194346 bytes, the limit is 4 MiB",
	} {
		_, err := spec.DecodePlan("env/assay.yaml", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), "env/"+want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
	_, err := spec.DecodeCandidates("candidate.yaml", []byte(planHead))
	if want := "candidate.yaml:1: kind: this is a Plan, and the file's name is that of a Candidate: move it to a file called assay.yaml"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// bomb nests n levels of lists of ten aliases.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("    a0: &a0 x\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "    a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

// A long text that aliases repeat is one value each time.
func TestAliasesRepeatALongText(t *testing.T) {
	text := planHead + "spec:\n  experiment:\n   parameters:\n    a: &a " + strings.Repeat("s3cret", 1<<16) + "\n    b: [" + strings.Repeat("*a,", 400) + "]\n"
	_, err := spec.DecodePlan("assay.yaml", []byte(text))
	if want := "assay.yaml:1: it holds more than 4 MiB once aliases are expanded: "; err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
		t.Fatalf("error %.200v, want %q", err, want)
	}
}

func TestAliasBomb(t *testing.T) {
	head := planHead + "spec:\n  experiment:\n   parameters:\n"
	if _, err := spec.DecodePlan("assay.yaml", []byte(head+bomb(3))); err != nil {
		t.Errorf("a thousand aliases: %v", err)
	}
	for _, n := range []int{5, 9, 500} {
		_, err := spec.DecodePlan("assay.yaml", []byte(head+bomb(n)))
		if want := "assay.yaml:1: it holds more than 100000 values once aliases are expanded"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%d levels: %v", n, err)
		}
	}
}

func TestDepth(t *testing.T) {
	for depth, ok := range map[int]bool{90: true, 101: false, 5000: false} {
		text := planHead + "spec: {experiment: {parameters: {a: " + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}}}\n"
		_, err := spec.DecodePlan("assay.yaml", []byte(text))
		if ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "nested more than 100 levels deep") {
			t.Errorf("%d levels: %v", depth, err)
		}
	}
}

func TestErrorsAreShort(t *testing.T) {
	var b strings.Builder
	b.WriteString(planHead + "spec:\n")
	for i := range 100 {
		fmt.Fprintf(&b, "  %s%d: {}\n", strings.Repeat("x", 900), i)
	}
	_, err := spec.DecodePlan("assay.yaml", []byte(b.String()))
	if err == nil || len(err.Error()) > 2000 || !strings.HasSuffix(err.Error(), "more") {
		t.Errorf("%d bytes: %.200s", len(err.Error()), err)
	}
}

func TestSeveralProblemsInOrder(t *testing.T) {
	_, err := spec.DecodePlan("assay.yaml", []byte(planHead+"spec:\n  queue: x\n  targts: []\n  candidate: {mode: y}\n"))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "assay.yaml:4:") || !strings.HasPrefix(lines[1], "assay.yaml:5:") || !strings.HasPrefix(lines[2], "assay.yaml:6:") {
		t.Errorf("got\n%v", err)
	}
}

func TestErrorsEchoNoContent(t *testing.T) {
	for _, text := range []string{
		"spec: hunter2\n", "spec:\n  queue: hunter2\n", "spec:\n  experiment: {deadline: hunter2}\n", "spec:\n  promotion: {to: [hunter2]}\n",
		"spec:\n  candidate: {labels: {a: hunter2 !}}\n", "spec:\n  candidate: {name: hunter2_}\n", "spec:\n  a: hunter2: b\n",
	} {
		_, err := spec.DecodePlan("assay.yaml", []byte(planHead+text))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
