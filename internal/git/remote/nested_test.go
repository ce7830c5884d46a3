package remote

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/assaydev/assay/test/gitserver"
)

// Git's server sends a directory alone where what is in it is asked for too.
func TestBringsWhatIsInsideOfWhatItBrings(t *testing.T) {
	_, repo := gitserver.Serve(t, shop...)
	var ids []string
	for _, name := range []string{"envs", "envs/shop", "envs/shop/charts", "envs/shop/charts/x", "envs/shop/web.yaml", "envs/cart", "envs/cart/web.yaml", "README.md"} {
		ids = append(ids, must(repo.Git("rev-parse", "main:"+name))(t))
	}
	backward := slices.Clone(ids)
	slices.Reverse(backward)
	for _, want := range [][]string{ids, backward} {
		r := open(t, repo.URL)
		must(r.Tip(t.Context(), "main"))(t)
		if err := r.bring(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		r.known = newKnown() // git is asked, not believed
		if missing := must(r.missing(t.Context(), want))(t); len(missing) > 0 {
			t.Errorf("not here: %v", missing)
		}
	}
}

func TestHeadThatNamesNoBranch(t *testing.T) {
	for name, c := range map[string]struct {
		files []gitserver.File
		head  []string
		want  error
		text  string
	}{
		"a branch that is gone": {shop, []string{"symbolic-ref", "HEAD", "refs/heads/master"}, ErrNoDefault, "there are: beta, main"},
		"a commit":              {shop, []string{"update-ref", "--no-deref", "HEAD", "refs/heads/main"}, ErrNoDefault, "there are: beta, main"},
		"an empty repository":   {nil, []string{"symbolic-ref", "HEAD", "refs/heads/master"}, ErrEmpty, "no commit yet"},
	} {
		t.Run(name, func(t *testing.T) {
			_, repo := gitserver.Serve(t, c.files...)
			if c.files != nil {
				must(repo.Git("branch", "beta", "main"))(t)
			}
			must(repo.Git(c.head...))(t)
			branch, err := open(t, repo.URL).DefaultBranch(t.Context())
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("branch %q, %v", branch, err)
			}
		})
	}
}
