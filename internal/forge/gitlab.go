package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/time/rate"
)

type gitlabAPI struct {
	client  *gitlab.Client
	project string
}

func newGitLab(opt Options, base *url.URL, client *http.Client) (*gitlabAPI, error) {
	options := []gitlab.ClientOptionFunc{
		gitlab.WithBaseURL(base.String()),
		gitlab.WithHTTPClient(client),
		// The transport does both, and for all forges alike.
		gitlab.WithoutRetries(),
		gitlab.WithCustomLimiter(rate.NewLimiter(rate.Inf, 0)),
	}
	if opt.UserAgent != "" {
		options = append(options, gitlab.WithUserAgent(opt.UserAgent))
	}
	c, err := gitlab.NewAuthSourceClient(byTransport{}, options...)
	if err != nil {
		return nil, err
	}
	return &gitlabAPI{client: c, project: opt.Repo.Path}, nil
}

// byTransport stands in for the token, which the transport adds: the library
// insists on a header.
type byTransport struct{}

func (byTransport) Init(context.Context, *gitlab.Client) error { return nil }

func (byTransport) Header(context.Context) (key, value string, err error) {
	return "Accept", "application/json", nil
}

func (g *gitlabAPI) find(ctx context.Context, head, base string) ([]Pull, error) {
	return g.list(ctx, gitlab.ListProjectMergeRequestsOptions{SourceBranch: &head, TargetBranch: &base})
}

func (g *gitlabAPI) open(ctx context.Context, base string) ([]Pull, error) {
	opt := gitlab.ListProjectMergeRequestsOptions{State: gitlab.Ptr("opened")}
	if base != "" {
		opt.TargetBranch = &base
	}
	return g.list(ctx, opt)
}

func (g *gitlabAPI) list(ctx context.Context, opt gitlab.ListProjectMergeRequestsOptions) ([]Pull, error) {
	var pulls []Pull
	opt.PerPage = 100
	for {
		page, res, err := g.client.MergeRequests.ListProjectMergeRequests(g.project, &opt, gitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if m.SourceProjectID == m.TargetProjectID {
				pulls = append(pulls, gitlabPull(m))
			}
		}
		if res.NextPage == 0 {
			return pulls, nil
		}
		opt.Page = res.NextPage
	}
}

func (g *gitlabAPI) get(ctx context.Context, number int64) (Pull, mergeability, error) {
	m, _, err := g.client.MergeRequests.GetMergeRequest(g.project, number, nil, gitlab.WithContext(ctx))
	if err != nil {
		return Pull{}, mergeability{}, err
	}
	return gitlabPull(&m.BasicMergeRequest), gitlabMergeability(m), nil
}

// gitlabMergeability reads GitLab's merge status.
// https://docs.gitlab.com/api/merge_requests/#merge-status
func gitlabMergeability(m *gitlab.MergeRequest) mergeability {
	switch m.DetailedMergeStatus {
	case "conflict":
		return mergeability{conflict: true}
	case "unchecked", "checking", "preparing", "approvals_syncing", "cannot_be_merged_recheck":
		return mergeability{busy: true}
	case "mergeable", "":
		return mergeability{conflict: m.HasConflicts, busy: m.State == "locked", reason: m.MergeError}
	case "broken_status", "commits_status":
		return mergeability{conflict: m.HasConflicts, reason: "its branches cannot be compared, or it has no commits"}
	default:
		return mergeability{reason: strings.ReplaceAll(m.DetailedMergeStatus, "_", " ")}
	}
}

// same asks, since GitLab opens merge requests without commits.
func (g *gitlabAPI) same(ctx context.Context, head, base string) (bool, error) {
	diff, _, err := g.client.Repositories.Compare(g.project, &gitlab.CompareOptions{From: &base, To: &head}, gitlab.WithContext(ctx))
	if err != nil {
		return false, err
	}
	return len(diff.Commits) == 0, nil
}

func (g *gitlabAPI) create(ctx context.Context, n New) (Pull, error) {
	m, _, err := g.client.MergeRequests.CreateMergeRequest(g.project, &gitlab.CreateMergeRequestOptions{
		Title:        gitlab.Ptr(gitlabTitle(n.Title, n.Draft)),
		Description:  &n.Body,
		SourceBranch: &n.Head,
		TargetBranch: &n.Base,
	}, gitlab.WithContext(ctx))
	if err != nil {
		return Pull{}, err
	}
	return gitlabPull(&m.BasicMergeRequest), nil
}

func (g *gitlabAPI) update(ctx context.Context, _, changed Pull) error {
	return g.edit(ctx, changed.Number, gitlab.UpdateMergeRequestOptions{
		Title:       gitlab.Ptr(gitlabTitle(changed.Title, changed.Draft)),
		Description: &changed.Body,
	})
}

func (g *gitlabAPI) close(ctx context.Context, number int64) error {
	return g.edit(ctx, number, gitlab.UpdateMergeRequestOptions{StateEvent: gitlab.Ptr("close")})
}

// addLabels: GitLab makes the labels that the project lacks.
func (g *gitlabAPI) addLabels(ctx context.Context, number int64, labels []string) error {
	return g.edit(ctx, number, gitlab.UpdateMergeRequestOptions{AddLabels: gitlab.Ptr(gitlab.LabelOptions(labels))})
}

func (g *gitlabAPI) edit(ctx context.Context, number int64, opt gitlab.UpdateMergeRequestOptions) error {
	_, _, err := g.client.MergeRequests.UpdateMergeRequest(g.project, number, &opt, gitlab.WithContext(ctx))
	return err
}

func (g *gitlabAPI) comments(ctx context.Context, number int64) ([]string, error) {
	var texts []string
	opt := &gitlab.ListMergeRequestNotesOptions{ListOptions: gitlab.ListOptions{PerPage: 100}}
	for {
		page, res, err := g.client.Notes.ListMergeRequestNotes(g.project, number, opt, gitlab.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		for _, note := range page {
			texts = append(texts, note.Body)
		}
		if res.NextPage == 0 {
			return texts, nil
		}
		opt.Page = res.NextPage
	}
}

func (g *gitlabAPI) comment(ctx context.Context, number int64, text string) error {
	_, _, err := g.client.Notes.CreateMergeRequestNote(g.project, number, &gitlab.CreateMergeRequestNoteOptions{Body: &text}, gitlab.WithContext(ctx))
	return err
}

func (g *gitlabAPI) merge(ctx context.Context, number int64, m Merge) (string, error) {
	if m.Method == MethodRebase {
		return "", fmt.Errorf("%w: GitLab rebases by a setting of the project: use %s or %s", ErrNotMergeable, MethodMerge, MethodSquash)
	}
	opt := &gitlab.AcceptMergeRequestOptions{SHA: &m.HeadSHA, Squash: gitlab.Ptr(m.Method == MethodSquash)}
	if message := m.message(); message != "" && m.Method == MethodSquash {
		opt.SquashCommitMessage = &message
	} else if message != "" {
		opt.MergeCommitMessage = &message
	}
	merged, _, err := g.client.MergeRequests.AcceptMergeRequest(g.project, number, opt, gitlab.WithContext(ctx))
	if err != nil {
		return "", err
	}
	return gitlabPull(&merged.BasicMergeRequest).MergeSHA, nil
}

func (g *gitlabAPI) setStatus(ctx context.Context, commit string, s Status) error {
	state := gitlab.BuildStateValue(s.State)
	if s.State == StatusFailure {
		state = gitlab.Failed
	}
	opt := &gitlab.SetCommitStatusOptions{State: state, Name: &s.Context, Description: &s.Description}
	if s.URL != "" {
		opt.TargetURL = &s.URL
	}
	_, _, err := g.client.Commits.SetCommitStatus(g.project, commit, opt, gitlab.WithContext(ctx))
	return err
}

// gitlabDraft marks a draft in the title.
const gitlabDraft = "Draft: "

func gitlabTitle(title string, draft bool) string {
	if draft {
		return gitlabDraft + title
	}
	return title
}

func gitlabPull(m *gitlab.BasicMergeRequest) Pull {
	pull := Pull{
		Number:  m.IID,
		URL:     m.WebURL,
		Title:   strings.TrimPrefix(m.Title, gitlabDraft),
		Body:    m.Description,
		Head:    m.SourceBranch,
		Base:    m.TargetBranch,
		HeadSHA: m.SHA,
		State:   StateOpen, // also while it is locked for merging
		Draft:   m.Draft,
		Labels:  m.Labels,
	}
	switch m.State {
	case "closed":
		pull.State = StateClosed
	case "merged":
		pull.State, pull.MergeSHA = StateMerged, gitlabMergeSHA(m)
	}
	return pull
}

// gitlabMergeSHA is the commit on the base: the merge, else the squashed one
// that was forwarded to, else the head itself.
func gitlabMergeSHA(m *gitlab.BasicMergeRequest) string {
	for _, sha := range []string{m.MergeCommitSHA, m.SquashCommitSHA} {
		if sha != "" {
			return sha
		}
	}
	return m.SHA
}
