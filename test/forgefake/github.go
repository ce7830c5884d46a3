package forgefake

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// NewGitHub makes a GitHub whose API is at the server's root, as at
// api.github.com.
func NewGitHub(opt Options) *Forge {
	f := newForge(opt)
	f.handler = &github{f: f, mux: githubRoutes(f)}
	return f
}

type github struct {
	f   *Forge
	mux *http.ServeMux
}

const (
	githubBody  = 65536
	githubTitle = 256
)

func githubRoutes(f *Forge) *http.ServeMux {
	g := &github{f: f}
	mux := http.NewServeMux()
	repo := "/repos/" + f.opt.Path
	mux.HandleFunc("GET "+repo+"/pulls", g.list)
	mux.HandleFunc("POST "+repo+"/pulls", g.create)
	mux.HandleFunc("GET "+repo+"/pulls/{number}", g.pull(g.get))
	mux.HandleFunc("PATCH "+repo+"/pulls/{number}", g.pull(g.edit))
	mux.HandleFunc("PUT "+repo+"/pulls/{number}/merge", g.pull(g.merge))
	mux.HandleFunc("GET "+repo+"/issues/{number}/comments", g.pull(g.comments))
	mux.HandleFunc("POST "+repo+"/issues/{number}/comments", g.pull(g.comment))
	mux.HandleFunc("PATCH "+repo+"/issues/comments/{comment}", g.editComment)
	mux.HandleFunc("POST "+repo+"/issues/{number}/labels", g.pull(g.addLabels))
	mux.HandleFunc("POST "+repo+"/statuses/{commit}", g.setStatus)
	mux.HandleFunc("POST /graphql", g.graphQL)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { g.refuse(w, http.StatusNotFound, "Not Found") })
	return mux
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	opt := g.f.opt
	switch token := bearer(r); {
	case r.Header.Get("User-Agent") == "":
		g.refuse(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
	case token == "":
		g.refuse(w, http.StatusUnauthorized, "Requires authentication")
	case token == opt.Token, token == opt.ReadOnly && r.Method == http.MethodGet:
		g.mux.ServeHTTP(w, r)
	case token == opt.ReadOnly:
		g.refuse(w, http.StatusForbidden, "Resource not accessible by personal access token")
	default:
		g.refuse(w, http.StatusUnauthorized, "Bad credentials")
	}
}

func (g *github) refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(status)})
}

// invalid is GitHub's 422.
func (g *github) invalid(w http.ResponseWriter, problem map[string]string) {
	reply(w, http.StatusUnprocessableEntity, map[string]any{"message": "Validation Failed", "errors": []any{problem}})
}

func (g *github) custom(w http.ResponseWriter, message string) {
	g.invalid(w, map[string]string{"resource": "PullRequest", "code": "custom", "message": message})
}

func (g *github) pull(next func(http.ResponseWriter, *http.Request, *Pull)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := g.f.numbered(r)
		if p == nil {
			g.refuse(w, http.StatusNotFound, "Not Found")
			return
		}
		next(w, r, p)
	}
}

func (g *github) owner() string {
	owner, _, _ := strings.Cut(g.f.opt.Path, "/")
	return owner
}

func (g *github) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	owner, head, named := strings.Cut(query.Get("head"), ":")
	pulls := g.f.find(func(p *Pull) bool {
		state := query.Get("state")
		closed := p.State != "open"
		return (state == "all" || closed == (state == "closed")) &&
			(query.Get("base") == "" || query.Get("base") == p.Base) &&
			// GitHub ignores a head without an owner.
			(!named || owner == g.owner() && head == p.Head)
	})
	list := []any{}
	for _, p := range page(w, r, pulls, 30) {
		list = append(list, g.json(p))
	}
	reply(w, http.StatusOK, list)
}

func (g *github) get(w http.ResponseWriter, _ *http.Request, p *Pull) {
	value := g.json(p)
	value["merged"] = p.State == "merged"
	value["mergeable"], value["mergeable_state"] = nil, "unknown"
	if p.looked || p.State != "open" {
		value["mergeable"], value["mergeable_state"] = g.mergeable(p)
	}
	p.looked = true // GitHub looks after it was asked
	reply(w, http.StatusOK, value)
}

func (g *github) mergeable(p *Pull) (can any, state string) {
	if p.State != "open" {
		return nil, "unknown"
	}
	_, err := g.f.git.merged(g.f.git.branch(p.Base), g.f.head(p))
	switch {
	case err != nil:
		return false, "dirty"
	case p.Draft:
		return true, "draft"
	case g.f.blocked != "":
		return true, "blocked"
	default:
		return true, "clean"
	}
}

func (g *github) create(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Title, Head, Base, Body string
		Draft                   bool
	}
	if !read(w, r, &in) {
		return
	}
	head := strings.TrimPrefix(in.Head, g.owner()+":")
	base, tip := g.f.git.branch(in.Base), g.f.git.branch(head)
	open := g.f.find(func(p *Pull) bool { return p.State == "open" && p.Head == head && p.Base == in.Base && !p.Fork })
	switch {
	case in.Title == "":
		g.invalid(w, map[string]string{"resource": "PullRequest", "field": "title", "code": "missing_field"})
	case utf8.RuneCountInString(in.Title) > githubTitle:
		g.custom(w, "title is too long (maximum is 256 characters)")
	case utf8.RuneCountInString(in.Body) > githubBody:
		g.custom(w, "body is too long (maximum is 65536 characters)")
	case base == "":
		g.invalid(w, map[string]string{"resource": "PullRequest", "field": "base", "code": "invalid"})
	case tip == "":
		g.invalid(w, map[string]string{"resource": "PullRequest", "field": "head", "code": "invalid"})
	case len(open) > 0:
		g.custom(w, "A pull request already exists for "+g.owner()+":"+head+".")
	case len(g.f.git.ahead(base, tip)) == 0:
		g.custom(w, "No commits between "+in.Base+" and "+head)
	default:
		p := g.f.add(Pull{Title: in.Title, Body: in.Body, Head: head, Base: in.Base, Draft: in.Draft})
		reply(w, http.StatusCreated, g.json(p))
	}
}

func (g *github) edit(w http.ResponseWriter, r *http.Request, p *Pull) {
	var in struct{ Title, Body, State *string }
	if !read(w, r, &in) {
		return
	}
	switch {
	case in.Body != nil && utf8.RuneCountInString(*in.Body) > githubBody:
		g.custom(w, "body is too long (maximum is 65536 characters)")
		return
	case in.State != nil && p.State == "merged":
		g.custom(w, "The pull request is merged")
		return
	case in.State != nil:
		g.f.head(p)
		p.State = *in.State
	}
	if in.Title != nil {
		p.Title = *in.Title
	}
	if in.Body != nil {
		p.Body = *in.Body
	}
	reply(w, http.StatusOK, g.json(p))
}

func (g *github) merge(w http.ResponseWriter, r *http.Request, p *Pull) {
	var in struct {
		SHA     string
		Title   string `json:"commit_title"`
		Message string `json:"commit_message"`
		Method  string `json:"merge_method"`
	}
	if !read(w, r, &in) {
		return
	}
	head := g.f.head(p)
	switch {
	case p.State != "open":
		g.refuse(w, http.StatusMethodNotAllowed, "Pull Request is not mergeable")
		return
	case in.SHA != "" && in.SHA != head:
		g.refuse(w, http.StatusConflict, "Head branch was modified. Review and try the merge again.")
		return
	case p.Draft:
		g.refuse(w, http.StatusMethodNotAllowed, "Pull Request is still a draft")
		return
	case g.f.blocked != "":
		g.refuse(w, http.StatusMethodNotAllowed, g.f.blocked)
		return
	case !slices.Contains(g.f.methods, in.Method):
		g.refuse(w, http.StatusMethodNotAllowed, map[string]string{
			"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges",
		}[in.Method]+" are not allowed on this repository.")
		return
	}
	if in.Message == "" && g.f.copies {
		in.Message = p.Body
	}
	if in.Title == "" {
		in.Title = fmt.Sprintf("Merge pull request #%d from %s/%s", p.Number, g.owner(), p.Head)
	}
	sha, err := g.f.git.merge(p.Base, head, in.Method, in.Title+"\n\n"+in.Message, g.f.during())
	switch {
	case err == nil:
		p.State, p.MergeSHA = "merged", sha
		reply(w, http.StatusOK, map[string]any{"sha": sha, "merged": true, "message": "Pull Request successfully merged"})
	case errors.Is(err, errMoved):
		g.refuse(w, http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.")
	default:
		g.refuse(w, http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
}

func (g *github) comments(w http.ResponseWriter, r *http.Request, p *Pull) {
	all := make([]map[string]any, len(p.Comments))
	for i, text := range p.Comments {
		all[i] = map[string]any{"id": commentID(p.Number, i), "body": text}
	}
	list := []any{}
	for _, comment := range page(w, r, all, 30) {
		list = append(list, comment)
	}
	reply(w, http.StatusOK, list)
}

// mostComments is one more than the comments that a pull request can have here.
const mostComments = 1000

func commentID(pull int64, index int) int64 { return pull*mostComments + int64(index) }

func (g *github) editComment(w http.ResponseWriter, r *http.Request) {
	var in struct{ Body string }
	id, err := strconv.ParseInt(r.PathValue("comment"), 10, 64)
	if err != nil || !read(w, r, &in) {
		return
	}
	for _, p := range g.f.pulls {
		if i := int(id % mostComments); p.Number == id/mostComments && i < len(p.Comments) {
			p.Comments[i] = in.Body
			reply(w, http.StatusOK, map[string]any{"id": id, "body": in.Body})
			return
		}
	}
	g.refuse(w, http.StatusNotFound, "Not Found")
}

func (g *github) comment(w http.ResponseWriter, r *http.Request, p *Pull) {
	var in struct{ Body string }
	if !read(w, r, &in) {
		return
	}
	p.Comments = append(p.Comments, in.Body)
	reply(w, http.StatusCreated, map[string]any{"id": commentID(p.Number, len(p.Comments)-1), "body": in.Body})
}

func (g *github) addLabels(w http.ResponseWriter, r *http.Request, p *Pull) {
	var in []string
	if !read(w, r, &in) {
		return
	}
	g.f.label(p, in)
	reply(w, http.StatusOK, g.labels(p))
}

func (g *github) labels(p *Pull) []any {
	list := []any{}
	for _, name := range p.Labels {
		list = append(list, map[string]string{"name": name})
	}
	return list
}

// graphQL knows the two mutations that turn drafts.
func (g *github) graphQL(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Query     string
		Variables struct{ ID string }
	}
	if !read(w, r, &in) {
		return
	}
	pulls := g.f.find(func(p *Pull) bool { return g.node(p) == in.Variables.ID })
	draft, ready := strings.Contains(in.Query, "convertPullRequestToDraft"), strings.Contains(in.Query, "markPullRequestReadyForReview")
	switch {
	case len(pulls) == 0:
		reply(w, http.StatusOK, map[string]any{"data": nil, "errors": []any{map[string]string{
			"type": "NOT_FOUND", "message": "Could not resolve to a node with the global id of '" + in.Variables.ID + "'",
		}}})
		return
	case draft == ready:
		reply(w, http.StatusOK, map[string]any{"errors": []any{map[string]string{"message": "Field doesn't exist on type 'Mutation'"}}})
		return
	}
	pulls[0].Draft = draft
	reply(w, http.StatusOK, map[string]any{"data": map[string]any{}})
}

func (g *github) node(p *Pull) string { return fmt.Sprintf("PR_%d", p.Number) }

func (g *github) json(p *Pull) map[string]any {
	head := map[string]any{"ref": p.Head, "sha": g.f.head(p), "label": g.owner() + ":" + p.Head, "repo": map[string]any{"id": 1, "full_name": g.f.opt.Path}}
	if p.Fork {
		head["repo"] = map[string]any{"id": 2, "full_name": g.owner() + "/fork"}
	}
	value := map[string]any{
		"number": p.Number, "node_id": g.node(p), "title": p.Title, "body": p.Body, "draft": p.Draft, "labels": g.labels(p),
		"html_url": fmt.Sprintf("https://github.com/%s/pull/%d", g.f.opt.Path, p.Number),
		"state":    "open",
		"head":     head,
		"base":     map[string]any{"ref": p.Base, "sha": g.f.git.branch(p.Base), "repo": map[string]any{"id": 1, "full_name": g.f.opt.Path}},
		// Of an open one it is a commit that only tries the merge.
		"merge_commit_sha": "0123456789012345678901234567890123456789", "merged_at": nil,
	}
	switch p.State {
	case "closed":
		value["state"] = "closed"
	case "merged":
		value["state"], value["merged_at"], value["merge_commit_sha"] = "closed", time.Now().UTC().Format(time.RFC3339), p.MergeSHA
	}
	return value
}
