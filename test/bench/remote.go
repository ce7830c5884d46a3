package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/assaydev/assay/test/gitserver"
)

const (
	remoteTeams = 10                  // directories beside the environment's own
	remoteAreas = 9                   // directories beside those, which hold the bulk
	remoteDir   = "envs/team-05/shop" // the environment that is promoted
)

// size is that of a repository on a server.
type size struct{ files, commits int }

// remoteFigure compares a promotion in a large repository on a server with one
// in a small one, and tells what plain git takes beside it.
func (t tools) remoteFigure(ctx context.Context, dir string) ([]result, error) {
	server, err := gitserver.Start(gitserver.Options{})
	if err != nil {
		return nil, err
	}
	defer server.Close()
	large, err := serve(server, "large", size{100_000, 2_000})
	if err != nil {
		return nil, err
	}
	small, err := serve(server, "small", size{100, 20})
	if err != nil {
		return nil, err
	}
	promotions := figure{
		name: "remote-100k", bar: 1.5, bytesBar: 2, repeats: many,
		a: t.promoteThere(large, dir), b: t.promoteThere(small, dir),
	}
	results, err := promotions.measure(ctx)
	if err != nil {
		return nil, err
	}
	for i, repo := range []served{large, small} {
		took, err := cloneThere(repo, dir).run(ctx)
		if err != nil {
			return nil, err
		}
		results[i].detail += fmt.Sprintf("\nbeside it, once and without a bar: git clone --depth=1, commit and push in the %s one: %.1f ms, %.1f KiB from the server",
			repo.name, wall(took), received(took))
	}
	return results, nil
}

// served is a repository on a server, with a candidate to promote.
type served struct {
	*gitserver.Repo
	name   string
	server *gitserver.Server
	tip    string // with which every run begins
}

// serve makes a repository of a size. Its last commit is that of the candidate.
func serve(server *gitserver.Server, name string, s size) (served, error) {
	repo, err := server.Create(name)
	if err != nil {
		return served{}, err
	}
	if _, err := repo.GitWith(remoteHistory(s), "fast-import", "--quiet"); err != nil {
		return served{}, err
	}
	tip, err := repo.Tip("main")
	return served{repo, name, server, tip}, err
}

// remoteHistory is what git fast-import reads. The directories on the path to the
// environment hold as many entries whatever the size is.
func remoteHistory(s size) string {
	var b strings.Builder
	commit := func(i int) {
		fmt.Fprintf(&b, "commit refs/heads/main\ncommitter Bench <bench@example.com> %d +0000\ndata <<.\ncommit %d\n.\n", 1_700_000_000+i, i)
	}
	write := func(name, text string) {
		fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
	}
	bulk := func(i, version int) {
		write(fmt.Sprintf("area-%d/%03d/app-%03d.yaml", i%remoteAreas, i/remoteAreas/1000, i/remoteAreas%1000), fmt.Sprintf(configMap, fmt.Sprintf("app-%d-%d", i, version)))
	}
	commit(1)
	files := 0
	for i := range remoteTeams {
		dir := fmt.Sprintf("envs/team-%02d", i)
		for name, text := range remoteShop() {
			write(path.Join(dir, "shop", name), text)
			files++
		}
	}
	rest := s.files - files
	for i := range rest {
		bulk(i, 1)
	}
	for i := 2; i < s.commits; i++ {
		commit(i)
		bulk(i%rest, i)
	}
	commit(s.commits)
	write(remoteDir+"/candidate.yaml", candidateText(shopImage))
	return b.String()
}

// remoteShop is an environment whose candidates are promoted by push.
func remoteShop() map[string]string {
	return map[string]string{
		"deployment.yaml": fmt.Sprintf(deployment, "web", shopImage), "service.yaml": fmt.Sprintf(service, "web"), "config.yaml": fmt.Sprintf(configMap, "web"),
		"assay.yaml": "# +argocd:skip-file-rendering\napiVersion: assay.dev/v1alpha1\nkind: Plan\nspec: {promotion: {method: push}}\n",
	}
}

// promoteThere promotes on the server, and starts over.
func (t tools) promoteThere(s served, dir string) command {
	return command{
		name: "assay promote --repo", path: t.assay, dir: dir, line: "promoted ",
		args:  []string{"promote", "--repo", s.URL, "--branch", "main", "--path", remoteDir, "--reason", "bench"},
		reset: s.reset, received: s.sent,
	}
}

// cloneThere does the same edit by hand.
func cloneThere(s served, dir string) command {
	const script = `set -e
git clone --quiet --depth=1 "$0" clone
cd clone/` + remoteDir + `
sed -i s/:1.0.0/:1.2.0/ deployment.yaml
git rm --quiet candidate.yaml
git -c user.name=Bench -c user.email=bench@example.com commit --quiet --all --message bench
git push --quiet origin HEAD:main`
	return command{
		name: "git clone --depth=1, commit and push", path: "/bin/sh", dir: dir, args: []string{"-c", script, s.URL},
		reset: func() error {
			if err := os.RemoveAll(filepath.Join(dir, "clone")); err != nil {
				return err
			}
			return s.reset()
		},
		received: s.sent,
	}
}

func (s served) reset() error {
	_, err := s.Git("update-ref", "refs/heads/main", s.tip)
	return err
}

// sent are the bytes that the server has sent since the last call.
func (s served) sent() int64 { return s.server.Traffic().Sent }
