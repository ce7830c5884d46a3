package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/assaydev/assay/internal/span"
)

// Options say which repository, and how its forge is reached.
type Options struct {
	Repo      Repo                                  // with its Kind
	API       string                                // the API's URL; default the usual one of the repository's host
	Token     func(context.Context) (string, error) // asked before every request; required
	HTTP      *http.Client                          // for a proxy or an authority; default a plain one
	UserAgent string
	Paces     *Paces // shared by all of a process
	Pace      *Pace  // instead; default that of Paces for the API's host, else one of its own

	Answered func(Answer) // told of every request that was sent; nil is quiet
}

// Client works on the pull requests of one repository whose head is a branch
// of that repository, and never on a fork's. It is safe for concurrent use.
// Every error that comes from the forge is an *Error.
type Client struct {
	repo Repo
	api  api
}

// api is what differs from forge to forge.
type api interface {
	// find lists those of a head and base, in any order.
	find(ctx context.Context, head, base string) ([]Pull, error)
	// open lists the open ones, in any order.
	open(ctx context.Context, base string) ([]Pull, error)
	get(ctx context.Context, number int64) (Pull, mergeability, error)
	// same says that the head has no commit that the base lacks; an adapter
	// whose forge refuses to open such a pull request says false.
	same(ctx context.Context, head, base string) (bool, error)
	create(ctx context.Context, n New) (Pull, error)
	update(ctx context.Context, old, changed Pull) error
	close(ctx context.Context, number int64) error
	comments(ctx context.Context, number int64) ([]string, error)
	comment(ctx context.Context, number int64, text string) error
	merge(ctx context.Context, number int64, m Merge) (string, error)
	addLabels(ctx context.Context, number int64, labels []string) error
	setStatus(ctx context.Context, commit string, s Status) error
}

// Open makes a client. It sends nothing.
func Open(opt Options) (*Client, error) {
	if err := opt.Repo.check(); err != nil {
		return nil, fmt.Errorf("open forge: %w", err)
	}
	if opt.Token == nil {
		return nil, errors.New("open forge: pull requests need a token")
	}
	root := opt.API
	if root == "" {
		root = opt.Repo.api()
	}
	base, err := apiURL(root, opt.Repo.Kind)
	if err != nil {
		return nil, fmt.Errorf("open forge: %w", err)
	}
	if opt.Pace == nil {
		opt.Pace = opt.Paces.of(opt.Repo.Kind, base.Host)
	}
	client := newHTTP(opt, base)
	c := &Client{repo: opt.Repo}
	switch opt.Repo.Kind {
	case GitHub:
		c.api, err = newGitHub(opt, base, client)
	case GitLab:
		c.api, err = newGitLab(opt, base, client)
	default:
		c.api = newGitea(opt, base, client)
	}
	if err != nil {
		return nil, fmt.Errorf("open forge: %w", err)
	}
	return c, nil
}

// apiURL checks the API's URL; its path ends in a slash.
func apiURL(raw string, kind Kind) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return nil, errors.New("the API's URL must be like " + Repo{Kind: kind, Base: "https://git.example.com"}.api())
	case u.User != nil:
		return nil, errors.New("the API's URL must hold no credentials: give the token apart")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return u, nil
}

// newHTTP puts the transport below a copy of the caller's client. A limit on
// the client's requests is one on each try.
func newHTTP(opt Options, base *url.URL) *http.Client {
	client := &http.Client{}
	if opt.HTTP != nil {
		own := *opt.HTTP
		client = &own
	}
	t := &transport{base: client.Transport, api: base, scheme: "Bearer", token: opt.Token, pace: opt.Pace, limit: tryLimit, answered: opt.Answered}
	if t.base == nil {
		t.base = &http.Transport{ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second}
	}
	if client.Timeout > 0 {
		t.limit = client.Timeout
	}
	if opt.Repo.Kind == Gitea || opt.Repo.Kind == Forgejo {
		t.scheme = "token"
	}
	client.Transport, client.Timeout = t, 0
	return client
}

// Find lists the pull requests of a head and base, newest first, whatever
// their state.
func (c *Client) Find(ctx context.Context, head, base string) ([]Pull, error) {
	var pulls []Pull
	err := c.do(ctx, "find pull requests", 0, true, func(ctx context.Context) (err error) {
		pulls, err = c.api.find(ctx, head, base)
		return err
	})
	return newestFirst(pulls), err
}

// List lists the open pull requests whose head starts with the prefix, newest
// first; an empty base stands for every base.
func (c *Client) List(ctx context.Context, headPrefix, base string) ([]Pull, error) {
	var pulls []Pull
	err := c.do(ctx, "list pull requests", 0, true, func(ctx context.Context) error {
		open, err := c.api.open(ctx, base)
		for _, p := range open {
			if strings.HasPrefix(p.Head, headPrefix) {
				pulls = append(pulls, p)
			}
		}
		return err
	})
	return newestFirst(pulls), err
}

// Get returns a pull request as it is now.
func (c *Client) Get(ctx context.Context, number int64) (Pull, error) {
	pull, _, err := c.get(ctx, number)
	return pull, err
}

func (c *Client) get(ctx context.Context, number int64) (pull Pull, s mergeability, err error) {
	err = c.do(ctx, "read", number, true, func(ctx context.Context) (err error) {
		pull, s, err = c.api.get(ctx, number)
		return err
	})
	return pull, s, err
}

// Update changes what differs; where nothing does, nothing is sent.
func (c *Client) Update(ctx context.Context, number int64, change Change) error {
	if err := c.fits("update", number, change.Title, change.Body); err != nil {
		return err
	}
	old, err := c.Get(ctx, number)
	if err != nil {
		return err
	}
	changed := old
	if change.Title != nil {
		changed.Title = *change.Title
	}
	if change.Body != nil {
		changed.Body = *change.Body
	}
	if change.Draft != nil {
		changed.Draft = *change.Draft
	}
	if changed.Title == old.Title && changed.Body == old.Body && changed.Draft == old.Draft {
		return nil
	}
	return c.do(ctx, "update", number, true, func(ctx context.Context) error {
		return c.api.update(ctx, old, changed)
	})
}

// Close closes a pull request without merging it. A closed one stays closed;
// of a merged one it is ErrMerged.
func (c *Client) Close(ctx context.Context, number int64) error {
	pull, err := c.Get(ctx, number)
	switch {
	case err != nil:
		return err
	case pull.State == StateMerged:
		return c.refuse("close", number, ErrMerged, "as "+pull.MergeSHA)
	case pull.State == StateClosed:
		return nil
	}
	return c.do(ctx, "close", number, true, func(ctx context.Context) error {
		return c.api.close(ctx, number)
	})
}

// Comment adds a comment. A pull request that has a comment of the same text
// keeps that one, so that a caller that was interrupted may call again.
func (c *Client) Comment(ctx context.Context, number int64, text string) error {
	if err := c.fits("comment on", number, nil, &text); err != nil {
		return err
	}
	var said []string
	err := c.do(ctx, "read comments of", number, true, func(ctx context.Context) (err error) {
		said, err = c.api.comments(ctx, number)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range said {
		if sameText(s, text) {
			return nil
		}
	}
	return c.do(ctx, "comment on", number, false, func(ctx context.Context) error {
		return c.api.comment(ctx, number, text)
	})
}

// AddLabels adds labels, and makes those that the repository lacks. Other
// labels stay: people add theirs.
func (c *Client) AddLabels(ctx context.Context, number int64, labels ...string) error {
	if len(labels) == 0 {
		return nil
	}
	return c.do(ctx, "label", number, true, func(ctx context.Context) error {
		return c.api.addLabels(ctx, number, labels)
	})
}

// BodyLimit is the most characters of a body or a comment.
func (c *Client) BodyLimit() int { return c.repo.Kind.bodyLimit() }

// CompareURL is Repo.CompareURL of the client's repository.
func (c *Client) CompareURL(base, head string) string { return c.repo.CompareURL(base, head) }

// CommitURL is Repo.CommitURL of the client's repository.
func (c *Client) CommitURL(commit string) string { return c.repo.CommitURL(commit) }

// do calls a client library, and makes an *Error of what fails. The verb is
// tried again when repeat says that this is harmless.
func (c *Client) do(ctx context.Context, verb string, number int64, repeat bool, f func(context.Context) error) error {
	seen := &call{repeat: repeat}
	ctx, end := span.Start(ctx, "forge", span.Attribute{Key: "verb", Value: verb})
	err := f(seen.in(ctx))
	if err != nil {
		err = c.fail(verb, number, seen, err)
	}
	end(err)
	return err
}

// fits refuses what the forge would refuse, or cut.
func (c *Client) fits(verb string, number int64, title, body *string) error {
	if title != nil && utf8.RuneCountInString(*title) > TitleLimit {
		return c.refuse(verb, number, ErrTooLong, fmt.Sprintf("a title has at most %d characters", TitleLimit))
	}
	if body != nil && utf8.RuneCountInString(*body) > c.BodyLimit() {
		return c.refuse(verb, number, ErrTooLong, fmt.Sprintf("a body or comment has at most %d characters", c.BodyLimit()))
	}
	return nil
}

// bodyLimit: GitHub and GitLab refuse more; Gitea keeps what its database
// takes, which is more than anybody reads.
func (k Kind) bodyLimit() int {
	switch k {
	case GitHub:
		return 65536
	case GitLab:
		return 1_000_000
	default:
		return 1 << 20
	}
}
