package forgefake

import (
	"net/http"
	"slices"
	"unicode/utf8"
)

// Status is a commit status as the forge keeps it.
type Status struct {
	Commit, Context, State, Description, URL string
}

// Statuses are the commit statuses that were given, oldest first.
func (f *Forge) Statuses() []Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.statuses)
}

// setStatus creates a status.
// https://docs.github.com/rest/commits/statuses#create-a-commit-status
func (g *github) setStatus(w http.ResponseWriter, r *http.Request) {
	var in struct {
		State       string
		Description string
		Context     string
		URL         string `json:"target_url"`
	}
	if !read(w, r, &in) {
		return
	}
	problem := func(field, message string) {
		g.invalid(w, map[string]string{"resource": "Status", "code": "custom", "field": field, "message": message})
	}
	commit := r.PathValue("commit")
	switch {
	case !g.f.git.has(commit):
		g.refuse(w, http.StatusUnprocessableEntity, "No commit found for SHA: "+commit)
	case !slices.Contains([]string{"error", "failure", "pending", "success"}, in.State):
		g.invalid(w, map[string]string{"resource": "Status", "code": "custom", "field": "state", "message": "state is not included in the list"})
	case utf8.RuneCountInString(in.Description) > 140:
		problem("description", "description is too long (maximum is 140 characters)")
	case utf8.RuneCountInString(in.Context) > 255:
		problem("context", "context is too long (maximum is 255 characters)")
	default:
		g.f.statuses = append(g.f.statuses, Status{commit, in.Context, in.State, in.Description, in.URL})
		reply(w, http.StatusCreated, map[string]any{"id": len(g.f.statuses), "state": in.State, "context": in.Context})
	}
}

// setStatus sets the pipeline status of a commit.
// https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
func (g *gitlab) setStatus(w http.ResponseWriter, r *http.Request) {
	var in struct {
		State       string
		Description string
		Name        string
		URL         string `json:"target_url"`
	}
	if !read(w, r, &in) {
		return
	}
	commit := r.PathValue("commit")
	last := ""
	for _, s := range g.f.statuses {
		if s.Commit == commit && s.Context == in.Name {
			last = s.State
		}
	}
	switch {
	case !g.f.git.has(commit):
		g.refuse(w, http.StatusNotFound, "404 Commit Not Found")
	case !slices.Contains([]string{"pending", "running", "success", "failed", "canceled", "skipped"}, in.State):
		reply(w, http.StatusBadRequest, map[string]string{"error": "state does not have a valid value"})
	case utf8.RuneCountInString(in.Description) > 255:
		g.refuse(w, http.StatusBadRequest, map[string]any{"description": []string{"is too long (maximum is 255 characters)"}})
	case last == in.State && last == "pending":
		g.refuse(w, http.StatusBadRequest, `Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via "enqueue")`)
	default:
		g.f.statuses = append(g.f.statuses, Status{commit, in.Name, in.State, in.Description, in.URL})
		reply(w, http.StatusCreated, map[string]any{"id": len(g.f.statuses), "sha": commit, "status": in.State, "name": in.Name})
	}
}

// has reports whether there is such a commit.
func (b bare) has(commit string) bool {
	_, err := b.run("cat-file", "-e", commit+"^{commit}")
	return err == nil
}
