package forge

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v89/github"
)

type githubAPI struct {
	client      *github.Client
	owner, name string
}

func newGitHub(opt Options, base *url.URL, client *http.Client) (*githubAPI, error) {
	root := base.String()
	options := []github.ClientOptionsFunc{
		github.WithHTTPClient(client),
		github.WithURLs(&root, nil),
		github.WithDisableRateLimitCheck(), // the transport waits, and for all forges alike
	}
	if opt.UserAgent != "" {
		options = append(options, github.WithUserAgent(opt.UserAgent))
	}
	c, err := github.NewClient(options...)
	if err != nil {
		return nil, err
	}
	owner, name, _ := strings.Cut(opt.Repo.Path, "/")
	return &githubAPI{client: c, owner: owner, name: name}, nil
}

func (g *githubAPI) find(ctx context.Context, head, base string) ([]Pull, error) {
	// GitHub takes a head only together with its owner.
	return g.list(ctx, github.PullRequestListOptions{State: "all", Head: g.owner + ":" + head, Base: base})
}

func (g *githubAPI) open(ctx context.Context, base string) ([]Pull, error) {
	return g.list(ctx, github.PullRequestListOptions{State: "open", Base: base})
}

func (g *githubAPI) list(ctx context.Context, opt github.PullRequestListOptions) ([]Pull, error) {
	var pulls []Pull
	opt.PerPage = 100
	for {
		page, res, err := g.client.PullRequests.List(ctx, g.owner, g.name, &opt)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			if !g.fork(p) {
				pulls = append(pulls, githubPull(p))
			}
		}
		if res.NextPage == 0 {
			return pulls, nil
		}
		opt.Page = res.NextPage
	}
}

// fork says that the head is not a branch of this repository.
func (g *githubAPI) fork(p *github.PullRequest) bool {
	return p.GetHead().GetRepo().GetID() != p.GetBase().GetRepo().GetID()
}

func (g *githubAPI) get(ctx context.Context, number int64) (Pull, mergeability, error) {
	p, _, err := g.client.PullRequests.Get(ctx, g.owner, g.name, int(number))
	if err != nil {
		return Pull{}, mergeability{}, err
	}
	// mergeable is null while GitHub works it out.
	s := mergeability{busy: p.Mergeable == nil}
	switch state := p.GetMergeableState(); state {
	case "dirty":
		s.conflict = true
	case "blocked":
		s.reason = "required reviews or checks are missing"
	case "behind":
		s.reason = "the head must be brought up to date with the base"
	case "draft":
		s.reason = "it is a draft"
	}
	return githubPull(p), s, nil
}

// same is left to GitHub, which refuses to open one without commits.
func (g *githubAPI) same(context.Context, string, string) (bool, error) { return false, nil }

func (g *githubAPI) create(ctx context.Context, n New) (Pull, error) {
	p, _, err := g.client.PullRequests.Create(ctx, g.owner, g.name, &github.NewPullRequest{
		Title: &n.Title, Head: &n.Head, Base: &n.Base, Body: &n.Body, Draft: &n.Draft,
	})
	if err != nil {
		return Pull{}, err
	}
	return githubPull(p), nil
}

func (g *githubAPI) update(ctx context.Context, old, changed Pull) error {
	if old.Title != changed.Title || old.Body != changed.Body {
		_, _, err := g.client.PullRequests.Edit(ctx, g.owner, g.name, int(old.Number), &github.PullRequest{
			Title: &changed.Title, Body: &changed.Body,
		})
		if err != nil {
			return err
		}
	}
	if old.Draft == changed.Draft {
		return nil
	}
	return g.setDraft(ctx, old.Number, changed.Draft)
}

func (g *githubAPI) close(ctx context.Context, number int64) error {
	closed := "closed"
	_, _, err := g.client.PullRequests.Edit(ctx, g.owner, g.name, int(number), &github.PullRequest{State: &closed})
	return err
}

func (g *githubAPI) comments(ctx context.Context, number int64) ([]string, error) {
	var texts []string
	opt := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100}}
	for {
		page, res, err := g.client.Issues.ListComments(ctx, g.owner, g.name, int(number), opt)
		if err != nil {
			return nil, err
		}
		for _, comment := range page {
			texts = append(texts, comment.GetBody())
		}
		if res.NextPage == 0 {
			return texts, nil
		}
		opt.Page = res.NextPage
	}
}

func (g *githubAPI) comment(ctx context.Context, number int64, text string) error {
	_, _, err := g.client.Issues.CreateComment(ctx, g.owner, g.name, int(number), &github.IssueComment{Body: &text})
	return err
}

func (g *githubAPI) merge(ctx context.Context, number int64, m Merge) (string, error) {
	result, _, err := g.client.PullRequests.Merge(ctx, g.owner, g.name, int(number), m.Message, &github.PullRequestOptions{
		SHA: m.HeadSHA, MergeMethod: string(m.Method), CommitTitle: m.Title,
	})
	return result.GetSHA(), err
}

// addLabels: GitHub makes the labels that the repository lacks.
func (g *githubAPI) addLabels(ctx context.Context, number int64, labels []string) error {
	_, _, err := g.client.Issues.AddLabelsToIssue(ctx, g.owner, g.name, int(number), labels)
	return err
}

func (g *githubAPI) setStatus(ctx context.Context, commit string, s Status) error {
	state := string(s.State)
	status := github.RepoStatus{State: &state, Description: &s.Description, Context: &s.Context}
	if s.URL != "" {
		status.TargetURL = &s.URL
	}
	_, _, err := g.client.Repositories.CreateStatus(ctx, g.owner, g.name, commit, status)
	return err
}

func githubPull(p *github.PullRequest) Pull {
	pull := Pull{
		Number:  int64(p.GetNumber()),
		URL:     p.GetHTMLURL(),
		Title:   p.GetTitle(),
		Body:    p.GetBody(),
		Head:    p.GetHead().GetRef(),
		Base:    p.GetBase().GetRef(),
		HeadSHA: p.GetHead().GetSHA(),
		State:   StateOpen,
		Draft:   p.GetDraft(),
	}
	for _, label := range p.Labels {
		pull.Labels = append(pull.Labels, label.GetName())
	}
	switch {
	case p.MergedAt != nil:
		// Before, the field holds a commit that only tries the merge.
		pull.State, pull.MergeSHA = StateMerged, p.GetMergeCommitSHA()
	case p.GetState() == "closed":
		pull.State = StateClosed
	}
	return pull
}
