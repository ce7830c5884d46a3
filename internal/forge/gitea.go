package forge

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"code.gitea.io/sdk/gitea"
)

// giteaAPI is Gitea, and Forgejo, which keeps to this part of its API.
type giteaAPI struct {
	root        string
	http        *http.Client
	agent       string
	owner, name string
}

func newGitea(opt Options, base *url.URL, client *http.Client) *giteaAPI {
	owner, name, _ := strings.Cut(opt.Repo.Path, "/")
	// The library adds the API's path itself.
	root := strings.TrimSuffix(base.String(), "api/v1/")
	return &giteaAPI{root: root, http: client, agent: opt.UserAgent, owner: owner, name: name}
}

// with is a client for one verb: the library keeps the context in the client.
// Its version check is left out, since Forgejo counts its versions apart, and
// since no verb here needs a newer server than the check would ask for.
func (g *giteaAPI) with(ctx context.Context) (*gitea.Client, error) {
	options := []gitea.ClientOption{gitea.SetContext(ctx), gitea.SetHTTPClient(g.http), gitea.SetGiteaVersion("")}
	if g.agent != "" {
		options = append(options, gitea.SetUserAgent(g.agent))
	}
	return gitea.NewClient(g.root, options...)
}

// giteaPage is the most that a server sends by default.
const giteaPage = 50

func (g *giteaAPI) find(ctx context.Context, head, base string) ([]Pull, error) {
	client, err := g.with(ctx)
	if err != nil {
		return nil, err
	}
	// Most branches have none yet, and listing knows no filter by head.
	if _, res, err := client.GetPullRequestByBaseHead(g.owner, g.name, base, head); err != nil {
		if res != nil && res.StatusCode == http.StatusNotFound {
			return nil, g.reach(client)
		}
		return nil, err
	}
	all, err := g.list(client, gitea.StateAll)
	var pulls []Pull
	for _, p := range all {
		if p.Head == head && p.Base == base {
			pulls = append(pulls, p)
		}
	}
	return pulls, err
}

// reach tells a branch without pull requests from a repository that is not there.
func (g *giteaAPI) reach(client *gitea.Client) error {
	_, _, err := client.GetRepo(g.owner, g.name)
	return err
}

func (g *giteaAPI) open(ctx context.Context, base string) ([]Pull, error) {
	client, err := g.with(ctx)
	if err != nil {
		return nil, err
	}
	all, err := g.list(client, gitea.StateOpen)
	var pulls []Pull
	for _, p := range all {
		if base == "" || p.Base == base {
			pulls = append(pulls, p)
		}
	}
	return pulls, err
}

func (g *giteaAPI) list(client *gitea.Client, state gitea.StateType) ([]Pull, error) {
	var pulls []Pull
	opt := gitea.ListPullRequestsOptions{State: state, ListOptions: gitea.ListOptions{Page: 1, PageSize: giteaPage}}
	for {
		page, res, err := client.ListRepoPullRequests(g.owner, g.name, opt)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			if p.Head.RepoID == p.Base.RepoID {
				pulls = append(pulls, giteaPull(p))
			}
		}
		if res.NextPage == 0 {
			return pulls, nil
		}
		opt.Page = res.NextPage
	}
}

func (g *giteaAPI) get(ctx context.Context, number int64) (Pull, mergeability, error) {
	client, err := g.with(ctx)
	if err != nil {
		return Pull{}, mergeability{}, err
	}
	p, _, err := client.GetPullRequest(g.owner, g.name, number)
	if err != nil {
		return Pull{}, mergeability{}, err
	}
	return giteaPull(p), mergeability{unsure: !p.Mergeable && !p.Draft}, nil
}

// same asks, since Gitea opens pull requests without commits.
func (g *giteaAPI) same(ctx context.Context, head, base string) (bool, error) {
	client, err := g.with(ctx)
	if err != nil {
		return false, err
	}
	diff, _, err := client.CompareCommits(g.owner, g.name, base, head)
	if err != nil {
		return false, err
	}
	return diff.TotalCommits == 0, nil
}

func (g *giteaAPI) create(ctx context.Context, n New) (Pull, error) {
	client, err := g.with(ctx)
	if err != nil {
		return Pull{}, err
	}
	p, _, err := client.CreatePullRequest(g.owner, g.name, gitea.CreatePullRequestOption{
		Head: n.Head, Base: n.Base, Title: giteaTitle(n.Title, n.Draft), Body: n.Body,
	})
	if err != nil {
		return Pull{}, err
	}
	return giteaPull(p), nil
}

func (g *giteaAPI) update(ctx context.Context, _, changed Pull) error {
	return g.edit(ctx, changed.Number, gitea.EditPullRequestOption{
		Title: giteaTitle(changed.Title, changed.Draft), Body: &changed.Body,
	})
}

func (g *giteaAPI) close(ctx context.Context, number int64) error {
	closed := gitea.StateClosed
	return g.edit(ctx, number, gitea.EditPullRequestOption{State: &closed})
}

func (g *giteaAPI) edit(ctx context.Context, number int64, opt gitea.EditPullRequestOption) error {
	client, err := g.with(ctx)
	if err != nil {
		return err
	}
	_, _, err = client.EditPullRequest(g.owner, g.name, number, opt)
	return err
}

func (g *giteaAPI) comments(ctx context.Context, number int64) ([]string, error) {
	client, err := g.with(ctx)
	if err != nil {
		return nil, err
	}
	// This list has no pages.
	list, _, err := client.ListIssueComments(g.owner, g.name, number, gitea.ListIssueCommentOptions{})
	var texts []string
	for _, comment := range list {
		texts = append(texts, comment.Body)
	}
	return texts, err
}

func (g *giteaAPI) comment(ctx context.Context, number int64, text string) error {
	client, err := g.with(ctx)
	if err != nil {
		return err
	}
	_, _, err = client.CreateIssueComment(g.owner, g.name, number, gitea.CreateIssueCommentOption{Body: text})
	return err
}

func (g *giteaAPI) merge(ctx context.Context, number int64, m Merge) (string, error) {
	client, err := g.with(ctx)
	if err != nil {
		return "", err
	}
	merged, _, err := client.MergePullRequest(g.owner, g.name, number, gitea.MergePullRequestOption{
		Style: gitea.MergeStyle(m.Method), HeadCommitId: m.HeadSHA, Title: m.Title, Message: m.Message,
	})
	if err == nil && !merged {
		err = refusal("it was not merged")
	}
	return "", err // which commit it is, only reading tells
}

func (g *giteaAPI) setStatus(ctx context.Context, commit string, s Status) error {
	client, err := g.with(ctx)
	if err != nil {
		return err
	}
	_, _, err = client.CreateStatus(g.owner, g.name, commit, gitea.CreateStatusOption{
		State: gitea.StatusState(s.State), TargetURL: s.URL, Description: s.Description, Context: s.Context,
	})
	return err
}

// giteaDraft marks a draft in the title, in a server's default settings.
const giteaDraft = "WIP: "

func giteaTitle(title string, draft bool) string {
	if draft {
		return giteaDraft + title
	}
	return title
}

func giteaPull(p *gitea.PullRequest) Pull {
	pull := Pull{
		Number:  p.Index,
		URL:     p.HTMLURL,
		Title:   strings.TrimPrefix(p.Title, giteaDraft),
		Body:    p.Body,
		Head:    p.Head.Name, // Ref is not a branch once the branch is gone
		Base:    p.Base.Name,
		HeadSHA: p.Head.Sha,
		State:   StateOpen,
		Draft:   p.Draft,
	}
	for _, label := range p.Labels {
		pull.Labels = append(pull.Labels, label.Name)
	}
	switch {
	case p.HasMerged && p.MergedCommitID != nil:
		pull.State, pull.MergeSHA = StateMerged, *p.MergedCommitID
	case p.HasMerged:
		pull.State = StateMerged
	case p.State == gitea.StateClosed:
		pull.State = StateClosed
	}
	return pull
}
