package forgefake

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// NewGitLab makes a GitLab whose API is at /api/v4 of the server.
func NewGitLab(opt Options) *Forge {
	f := newForge(opt)
	f.handler = &gitlab{f: f, mux: gitlabRoutes(f)}
	return f
}

type gitlab struct {
	f   *Forge
	mux *http.ServeMux
}

const gitlabBody = 1_000_000

func gitlabRoutes(f *Forge) *http.ServeMux {
	g := &gitlab{f: f}
	mux := http.NewServeMux()
	project := "/api/v4/projects/{project}"
	mux.HandleFunc("GET "+project+"/merge_requests", g.list)
	mux.HandleFunc("POST "+project+"/merge_requests", g.create)
	mux.HandleFunc("GET "+project+"/merge_requests/{number}", g.pull(g.get))
	mux.HandleFunc("PUT "+project+"/merge_requests/{number}", g.pull(g.edit))
	mux.HandleFunc("PUT "+project+"/merge_requests/{number}/merge", g.pull(g.merge))
	mux.HandleFunc("GET "+project+"/merge_requests/{number}/notes", g.pull(g.notes))
	mux.HandleFunc("POST "+project+"/merge_requests/{number}/notes", g.pull(g.note))
	mux.HandleFunc("GET "+project+"/repository/compare", g.compare)
	mux.HandleFunc("POST "+project+"/statuses/{commit}", g.setStatus)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
	})
	return mux
}

func (g *gitlab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	opt := g.f.opt
	path, _ := strings.CutPrefix(r.URL.Path, "/api/v4/projects/") // the project's path is one escaped part
	switch token := bearer(r); {
	case token == "" || token != opt.Token && token != opt.ReadOnly:
		g.refuse(w, http.StatusUnauthorized, "401 Unauthorized")
	case !strings.HasPrefix(path, opt.Path+"/"):
		g.refuse(w, http.StatusNotFound, "404 Project Not Found")
	case token == opt.ReadOnly && r.Method != http.MethodGet:
		reply(w, http.StatusForbidden, map[string]string{
			"error": "insufficient_scope", "scope": "api",
			"error_description": "The request requires higher privileges than provided by the access token.",
		})
	default:
		g.mux.ServeHTTP(w, r)
	}
}

func (g *gitlab) refuse(w http.ResponseWriter, status int, message any) {
	reply(w, status, map[string]any{"message": message})
}

func (g *gitlab) pull(next func(http.ResponseWriter, *http.Request, *Pull)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := g.f.numbered(r)
		if p == nil {
			g.refuse(w, http.StatusNotFound, "404 Not found")
			return
		}
		next(w, r, p)
	}
}

func (g *gitlab) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	is := func(name, value string) bool { return query.Get(name) == "" || query.Get(name) == value }
	pulls := g.f.find(func(p *Pull) bool {
		state := query.Get("state")
		return (state == "" || state == "all" || state == g.state(p)) && is("source_branch", p.Head) && is("target_branch", p.Base)
	})
	list := []any{}
	for _, p := range page(w, r, pulls, 20) {
		list = append(list, g.json(p))
	}
	reply(w, http.StatusOK, list)
}

func (g *gitlab) get(w http.ResponseWriter, _ *http.Request, p *Pull) {
	value := g.json(p)
	p.looked = true // GitLab looks after it was asked
	reply(w, http.StatusOK, value)
}

func (g *gitlab) create(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Title  string
		Body   string `json:"description"`
		Source string `json:"source_branch"`
		Target string `json:"target_branch"`
	}
	if !read(w, r, &in) {
		return
	}
	open := g.f.find(func(p *Pull) bool { return p.State == "open" && p.Head == in.Source && p.Base == in.Target && !p.Fork })
	switch {
	case in.Title == "":
		reply(w, http.StatusBadRequest, map[string]string{"error": "title is missing"})
	case utf8.RuneCountInString(in.Body) > gitlabBody:
		g.refuse(w, http.StatusBadRequest, map[string]any{"description": []string{"is too long (maximum is 1000000 characters)"}})
	case in.Source == in.Target:
		g.refuse(w, http.StatusUnprocessableEntity, []string{"You can't use same project/branch for source and target"})
	case g.f.git.branch(in.Source) == "" || g.f.git.branch(in.Target) == "":
		g.refuse(w, http.StatusUnprocessableEntity, []string{"Source or target branch does not exist"})
	case len(open) > 0:
		g.refuse(w, http.StatusConflict, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", open[0].Number)})
	default:
		reply(w, http.StatusCreated, g.json(g.f.add(Pull{Title: in.Title, Body: in.Body, Head: in.Source, Base: in.Target})))
	}
}

func (g *gitlab) edit(w http.ResponseWriter, r *http.Request, p *Pull) {
	var in struct {
		Title *string
		Body  *string `json:"description"`
		State string  `json:"state_event"`
		Add   string  `json:"add_labels"`
	}
	if !read(w, r, &in) {
		return
	}
	if in.Title != nil {
		p.Title = *in.Title
	}
	if in.Body != nil {
		p.Body = *in.Body
	}
	if in.Add != "" {
		g.f.label(p, strings.Split(in.Add, ","))
	}
	if in.State == "close" && p.State == "open" {
		g.f.head(p)
		p.State = "closed"
	}
	reply(w, http.StatusOK, g.json(p))
}

// merge refuses in GitLab's order: the state, the conflict, the head.
func (g *gitlab) merge(w http.ResponseWriter, r *http.Request, p *Pull) {
	var in struct {
		SHA           string
		Squash        bool
		Message       string `json:"merge_commit_message"`
		SquashMessage string `json:"squash_commit_message"`
	}
	if !read(w, r, &in) {
		return
	}
	head := g.f.head(p)
	p.looked = true
	switch status := g.status(p); {
	case status == "conflict":
		g.refuse(w, http.StatusUnprocessableEntity, "Branch cannot be merged")
		return
	case status != "mergeable":
		g.refuse(w, http.StatusMethodNotAllowed, "405 Method Not Allowed")
		return
	case in.SHA != "" && in.SHA != head:
		g.refuse(w, http.StatusConflict, "SHA does not match HEAD of source branch: "+head)
		return
	}
	method, message := "merge", in.Message
	if in.Squash {
		method, message = "squash", in.SquashMessage
	}
	switch {
	case message == "" && g.f.copies:
		message = p.Title + "\n\n" + p.Body
	case message == "":
		message = fmt.Sprintf("Merge branch '%s' into '%s'", p.Head, p.Base)
	}
	sha, err := g.f.git.merge(p.Base, head, method, message, g.f.during())
	if err != nil {
		g.refuse(w, http.StatusUnprocessableEntity, "Branch cannot be merged")
		return
	}
	p.State, p.MergeSHA = "merged", sha
	if in.Squash {
		p.squash = sha
	}
	reply(w, http.StatusOK, g.json(p))
}

func (g *gitlab) notes(w http.ResponseWriter, r *http.Request, p *Pull) {
	list := []any{}
	for _, text := range page(w, r, p.Comments, 20) {
		list = append(list, map[string]any{"body": text})
	}
	reply(w, http.StatusOK, list)
}

func (g *gitlab) note(w http.ResponseWriter, r *http.Request, p *Pull) {
	var in struct{ Body string }
	if !read(w, r, &in) {
		return
	}
	p.Comments = append(p.Comments, in.Body)
	reply(w, http.StatusCreated, map[string]any{"body": in.Body})
}

func (g *gitlab) compare(w http.ResponseWriter, r *http.Request) {
	from, to := g.f.git.branch(r.URL.Query().Get("from")), g.f.git.branch(r.URL.Query().Get("to"))
	if from == "" || to == "" {
		g.refuse(w, http.StatusNotFound, "404 Ref Not Found")
		return
	}
	commits := []any{}
	for _, sha := range g.f.git.ahead(from, to) {
		commits = append(commits, map[string]string{"id": sha})
	}
	reply(w, http.StatusOK, map[string]any{"commits": commits})
}

func (g *gitlab) state(p *Pull) string {
	if p.State == "open" {
		return "opened"
	}
	return p.State
}

func (g *gitlab) draft(p *Pull) bool {
	title := strings.ToLower(p.Title)
	return strings.HasPrefix(title, "draft:") || strings.HasPrefix(title, "[draft]") || strings.HasPrefix(title, "(draft)")
}

// status is the detailed merge status.
func (g *gitlab) status(p *Pull) string {
	head := g.f.head(p)
	_, err := g.f.git.merged(g.f.git.branch(p.Base), head)
	switch {
	case p.State != "open":
		return "not_open"
	case !p.looked:
		return "checking"
	case len(g.f.git.ahead(g.f.git.branch(p.Base), head)) == 0:
		return "commits_status"
	case err != nil:
		return "conflict"
	case g.draft(p):
		return "draft_status"
	case g.f.blocked != "":
		return g.f.blocked
	default:
		return "mergeable"
	}
}

func (g *gitlab) json(p *Pull) map[string]any {
	source := 1
	if p.Fork {
		source = 2
	}
	value := map[string]any{
		"iid": p.Number, "id": 1000 + p.Number, "project_id": 1, "source_project_id": source, "target_project_id": 1,
		"title": p.Title, "description": p.Body, "source_branch": p.Head, "target_branch": p.Base,
		"state": g.state(p), "draft": g.draft(p), "labels": append([]string{}, p.Labels...), "sha": g.f.head(p),
		"web_url":               fmt.Sprintf("https://gitlab.com/%s/-/merge_requests/%d", g.f.opt.Path, p.Number),
		"detailed_merge_status": g.status(p),
		"merge_commit_sha":      nil, "squash_commit_sha": nil,
	}
	if p.squash != "" {
		value["squash_commit_sha"] = p.squash
	} else if p.State == "merged" {
		value["merge_commit_sha"] = p.MergeSHA
	}
	return value
}
