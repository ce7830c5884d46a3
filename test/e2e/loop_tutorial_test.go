//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaydev/assay/internal/forge"
	"github.com/assaydev/assay/internal/object/manifest"
	"github.com/assaydev/assay/test/page"
)

// tutorial does what docs/tutorial.md says, with the shell commands that it has and a real kubectl,
// as a person does who uses Argo Rollouts; and the commands of docs/install.md that talk to a
// cluster. Only what runs in a pod does not run: the pods here are kwok's. TestImage runs that, and
// docs_shell.txtar what is for Iter8.
func (l *loop) tutorial() {
	l.t.Helper()
	l.Metric.Set(true)
	p := l.newPerson()
	p.installs()
	for _, command := range page.Commands(l.document("docs/tutorial.md")) {
		if strings.Contains(command, "--engine iter8") {
			continue
		}
		p.before(command)
		p.shell(command)
	}
	l.until("the namespace is gone", func() error {
		if o, err := l.Cluster.Get(l.ctx, "v1", "Namespace", "", shop); err != nil || o != nil {
			return because(err, "it is there")
		}
		return nil
	})
	l.put("shop", "Remove the shop", map[string]string{
		"prod/storefront.yaml": "", "prod/cart.yaml": "", "prod/assay.yaml": "", p.judge: "", p.load: "",
	})
}

// person has a clone, the command, kubectl, and the repository's token.
type person struct {
	*loop
	dir string   // of the clone
	env []string // the whole environment

	judge, load string // the experiment's files, in shop
}

func (l *loop) newPerson() *person {
	l.t.Helper()
	home := l.t.TempDir()
	bin := filepath.Join(home, "bin")
	l.must(os.Mkdir(bin, 0o700))
	kubectl := strings.TrimSpace(command(l.t, "test/components/build", "kubectl"))
	l.must(os.Symlink(kubectl, filepath.Join(bin, "kubectl")))
	l.must(os.Symlink(l.cli.binary, filepath.Join(bin, "assay")))
	config, err := l.Cluster.Kubeconfig("person", l.Cluster.Admin, "")
	l.must(err)
	source, err := filepath.Abs(root)
	l.must(err)
	p := &person{loop: l, dir: filepath.Join(home, "envs")}
	p.env = []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "KUBECONFIG=" + config, "ASSAY=" + source,
	}
	login := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("assay:"+l.Repo.Token))
	l.must(os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[user]\nname = A\nemail = a@example.com\n[http]\nextraHeader = "+login+"\n"), 0o600))
	_, err = l.Repo.Git("clone", "-q", l.Repo.URL, p.dir)
	l.must(err)
	return p
}

// document is a page of the documentation.
func (l *loop) document(name string) string {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	l.must(err)
	return string(text)
}

// shell runs a command of a page in the clone, and returns what it prints.
func (p *person) shell(command string) string {
	p.t.Helper()
	c := exec.CommandContext(p.ctx, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command)
	c.Dir, c.Env = p.dir, p.env
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	err := c.Run()
	p.t.Logf("$ %s\n%s%s", command, out.String(), messages.String())
	p.must(err)
	return out.String()
}

// replace changes a file of the clone as people do; what they change must be there.
func (p *person) replace(name string, pairs ...string) {
	p.t.Helper()
	file := filepath.Join(p.dir, name)
	data, err := os.ReadFile(file)
	p.must(err)
	text := string(data)
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(text, pair[0]) {
			p.t.Fatalf("%s has no %q: %s", name, pair[0], text)
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	p.must(os.WriteFile(file, []byte(text), 0o600))
}

// before does what the page's text says that people do, or that happens, before a command.
func (p *person) before(command string) {
	p.t.Helper()
	switch {
	case strings.HasPrefix(command, "assay verify"): // "change it to what your app must keep"
		files, err := filepath.Glob(filepath.Join(p.dir, "shop/prod/experiment/*"))
		p.must(err)
		for _, file := range files {
			name := "prod/experiment/" + filepath.Base(file)
			if strings.HasPrefix(filepath.Base(file), "load") {
				p.load = name
			} else {
				p.judge = name
			}
		}
		p.replace("shop/"+p.judge, "initialDelay: 60s", "initialDelay: 0s", "interval: 15s", "interval: 1s", "count: 8", "count: 2", `successCondition: "true"`, "successCondition: result == true",
			"timeoutSeconds: 10", "jsonPath: '{$.data.ok}'")
		p.replace("shop/prod/assay.yaml", "url: ", "url: "+p.Metric.URL+" # ")
	case strings.HasPrefix(command, "kubectl apply"): // "change its repository, path and namespace to yours"
		p.must(os.WriteFile(filepath.Join(p.dir, "application.yaml"), []byte(p.document("manifests/application.yaml")), 0o600))
		p.replace("application.yaml", "https://github.com/assaydev/assay.git", p.Repo.URL, "path: examples/kustomize/prod", "path: shop/prod",
			"\n      - name: kustomize-common-annotations\n        map:\n          example.com/owner: shop-team", " []")
	case strings.HasPrefix(command, "assay describe"): // "Argo CD's next sync runs the candidate"
		p.until("the candidate runs beside the baseline", func() error {
			o, err := p.Cluster.Get(p.ctx, "apps/v1", "Deployment", shop, "storefront-candidate")
			if err != nil || o == nil {
				return because(err, "it is not there")
			}
			return nil
		})
		p.saves()
	case strings.HasPrefix(command, "git pull"): // "Merge it, and Argo CD removes the candidate"
		var pulls []forge.Pull
		p.until("the promoter has opened a pull request", func() (err error) {
			pulls, err = p.forge.List(p.ctx, "assay/shop/prod/", "main")
			if err == nil && len(pulls) != 1 {
				err = fmt.Errorf("there are %d", len(pulls))
			}
			return err
		})
		p.merge(pulls[0])
		p.until("the cluster runs the promoted version alone", p.settled(shop))
	case strings.HasPrefix(command, "assay promote"): // "To decide yourself instead"
		p.shell("assay candidate set --image registry.example.com/shop/storefront:1.6.0 shop/prod --commit")
	}
}

// saves prints the experiment's objects as docs/install.md has them printed for conclude.
func (p *person) saves() {
	p.t.Helper()
	for _, command := range page.Commands(p.document("docs/install.md")) {
		list, rest, piped := strings.Cut(command, " | ")
		if !piped || !strings.HasPrefix(list, "kubectl get ") || !strings.Contains(rest, "assay conclude") {
			continue
		}
		out := p.shell(list)
		objs, err := manifest.Decode("kubectl", []byte(out), manifest.Limits{})
		if err == nil {
			objs, err = manifest.Flatten("kubectl", objs)
		}
		if err != nil || len(objs) != 1 || !strings.HasPrefix(objs[0].GetName(), "load-") {
			p.t.Errorf("%s prints no load of the experiment: %v: %s", list, err, out)
		}
		return
	}
	p.t.Error("docs/install.md prints no experiment")
}

// installs makes the Secrets as docs/install.md says. The promoter's is what its Deployment mounts.
func (p *person) installs() {
	p.t.Helper()
	p.must(os.WriteFile(filepath.Join(p.dir, "token"), []byte(p.Repo.Token), 0o600))
	ran := 0
	for _, command := range page.Commands(p.document("docs/install.md")) {
		if strings.HasPrefix(command, "ssh-keygen ") || strings.HasPrefix(command, "kubectl create secret ") {
			p.shell(command)
			ran++
		}
	}
	for name, fields := range map[string][]string{"assay-promoter": {"signing-key", "notify-secret"}, "assay-git": {"token"}} {
		o, err := p.Cluster.Get(p.ctx, "v1", "Secret", "argocd", name)
		if err != nil || o == nil {
			p.t.Fatalf("the Secret %s: %v", name, because(err, "it is not there"))
		}
		data, _ := o.Object["data"].(map[string]any)
		for _, field := range fields {
			if data[field] == nil {
				p.t.Errorf("the Secret %s has no %s", name, field)
			}
		}
	}
	if ran != 3 {
		p.t.Fatalf("docs/install.md has %d commands that make keys and Secrets, want 3", ran)
	}
	p.must(errors.Join(os.Remove(filepath.Join(p.dir, "token")), os.Remove(filepath.Join(p.dir, "signing-key")), os.Remove(filepath.Join(p.dir, "signing-key.pub"))))
}
